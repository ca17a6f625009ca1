// How a task of a run ended, and who is told.
import type { Findings } from "../sandbox/findings.ts";

export type Outcome = "in place" | "restored" | "fetched" | "ran" | "failed" | "skipped" | "stopped";

export type Result = Readonly<{
  id: string;
  outcome: Outcome;
  durationMs: number;
  /** Why a result was not kept, or how a try went. */
  note?: string;
  /** Needed more than one try. */
  isFlaky?: boolean;
  /** Where the run was watched: what the task touched beside its inputs and outputs. */
  undeclared?: Findings;
}>;

/** What a screen is told, as it happens. */
export type Listener = Readonly<{
  begins: (id: string, command: string) => void;
  says: (id: string, chunk: Buffer) => void;
  /** `log` is there for what did not just run: to be replayed. */
  ends: (id: string, result: Result, log: () => Buffer | undefined) => void;
}>;
