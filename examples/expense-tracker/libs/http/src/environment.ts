// What every service reads from its environment, parsed once; all that is wrong is told at once.
import * as z from "zod/mini";

const flag = z._default(z.stringbool(), false);
const whole = (least: number, most: number, otherwise: number) =>
  z._default(z.coerce.number().check(z.int(), z.minimum(least), z.maximum(most)), otherwise);
const share = (otherwise: number) => z._default(z.coerce.number().check(z.minimum(0), z.maximum(1)), otherwise);

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
