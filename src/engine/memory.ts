// What a worker remembers of a run between two ticks, so that it need not ask again. None of it is truth.
import type { Interval } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import type { JudgeState } from "../domain/judge/state.ts";
import type { ProbeCount } from "../domain/limits.ts";

export interface Memory {
  /** Per service, the step whose frame this worker has asked for. */
  readonly asked: Map<string, string>;
  /** Per step and service, the intervals read so far. */
  readonly intervals: Map<string, readonly Interval[]>;
  /** Per step, when a metric source last answered (or was first asked). */
  readonly answered: Map<string, Ms>;
  /** Per step and service, the judge and how many intervals it has seen. */
  readonly judges: Map<string, { readonly state: JudgeState; readonly folded: number }>;
  /** Per step, its probes. */
  readonly probes: Map<string, Readonly<Record<string, ProbeCount>>>;
}

export function blank(): Memory {
  return { asked: new Map(), intervals: new Map(), answered: new Map(), judges: new Map(), probes: new Map() };
}
