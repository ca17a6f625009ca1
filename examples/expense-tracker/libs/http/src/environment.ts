// What every service reads from its environment, parsed once; all that is wrong is told at once.
import * as z from "zod/mini";

const flag = z._default(z.stringbool(), false);
const within = (least: number, most: number) => `must be a number from ${least} to ${most}`;
const whole = (least: number, most: number, otherwise: number) => {
  const message = within(least, most);
  const number = z.coerce.number(message).check(z.int(message), z.minimum(least, message), z.maximum(most, message));
  return z._default(number, otherwise);
};
const share = (otherwise: number) => {
  const message = within(0, 1);
  return z._default(z.coerce.number(message).check(z.minimum(0, message), z.maximum(1, message)), otherwise);
};

/** The faults of a release, see `faults.ts`. They are configuration like any other, so a rollback takes them back. */
export const FaultEnvironment = z.object({
  FAULT_ERROR_SHARE: share(0),
  FAULT_LATENCY_MS: whole(0, 60_000, 0),
  FAULT_LATENCY_SHARE: share(1),
  FAULT_LEAK_MS_PER_MIN: whole(0, 60_000, 0),
  FAULT_ROUTE: z._default(z.string(), ""),
  FAULT_CRASH_AFTER_MS: z.optional(z.coerce.number().check(z.int(), z.minimum(0))),
  FAULT_NEVER_READY: flag,
  FAULT_IGNORE_SIGTERM: flag,
});

export const ServiceEnvironment = z.extend(FaultEnvironment, {
  PORT: whole(0, 65_535, 3000),
  VERSION: z._default(z.string(), "dev"),
  LOG_LEVEL: z._default(z.enum(["debug", "info", "warn", "error"]), "info"),
  SHUTDOWN_GRACE_MS: whole(0, 600_000, 25_000),
});
export type ServiceEnvironment = z.output<typeof ServiceEnvironment>;

/** Throws one sentence a problem. An empty value counts as absent, as shells and env files write it. */
export function readEnvironment<Schema extends z.ZodMiniType>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.output<Schema> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = z.safeParse(schema, present);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`The environment of this service is not usable: ${problems.join("; ")}`);
}
