// Exit statuses, one meaning each: scripts rely on them. The same table is printed by `sluice help exit-codes`.
import { Problem } from "../domain/problem.ts";

export const exitCodes = {
  ok: { status: 0, means: "done; a deployment that was waited for succeeded" },
  failed: { status: 1, means: "a deployment failed, was rolled back, aborted or superseded, or a check did not hold" },
  usage: { status: 2, means: "something in the command, the configuration or the build is to be mended first" },
  unreachable: { status: 3, means: "the control plane cannot be reached, or it refused the token" },
  bug: { status: 4, means: "a bug in Sluice; --verbose prints where" },
  interrupted: { status: 130, means: "Ctrl-C; a deployment goes on in the control plane" },
} as const satisfies Record<string, { status: number; means: string }>;

export type Exit = keyof typeof exitCodes;

/** The control plane did not answer. */
export class Unreachable extends Problem {}

/** It answered, and does not know our token: trying again helps nobody. */
export class Refused extends Unreachable {}

/** It began to answer, and the connection broke off. */
export class Lost extends Unreachable {
  constructor(cause: unknown) {
    super("The connection to the control plane broke off", "Run it again: what was done stays done");
    this.cause = cause;
  }
}

export function exitFor(error: unknown): Exit {
  if (error instanceof Unreachable) return "unreachable";
  return error instanceof Problem ? "usage" : "bug";
}

export function exitTable(): string {
  return Object.values(exitCodes)
    .map(({ status, means }) => `${String(status).padStart(3)}  ${means}`)
    .join("\n");
}
