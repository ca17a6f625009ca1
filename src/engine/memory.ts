// What a worker remembers of a run between two ticks, so that it need not ask again. None of it is truth.
import type { Observation } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import type { JudgeState } from "../domain/judge/state.ts";
import type { ProbeCount } from "../domain/limits.ts";
import type { MetricWatch } from "../domain/metric.ts";

export interface Memory {
  /** Per service, the step whose frame this worker has asked for, and when last. */
  readonly asked: Map<string, { readonly key: string; readonly atMs: Ms }>;
  /** Per step and service, the intervals read so far. */
  readonly intervals: Map<string, readonly Observation[]>;
  /** Per step and service, what the metric source said when it last did not answer. */
  readonly silences: Map<string, string>;
  /** Per step and service, the judge and how many intervals it has seen. */
  readonly judges: Map<string, { readonly state: JudgeState; readonly folded: number }>;
  /** Per step and service, its metric checks by name. */
  readonly metrics: Map<string, Readonly<Record<string, MetricWatch>>>;
  /** Since when each condition of a watch has held. */
  readonly holding: Map<string, Ms>;
  /** Per step, its probes. */
  readonly probes: Map<string, Readonly<Record<string, ProbeCount>>>;
}

export function blank(): Memory {
  return {
    asked: new Map(),
    intervals: new Map(),
    silences: new Map(),
    judges: new Map(),
    metrics: new Map(),
    holding: new Map(),
    probes: new Map(),
  };
}
