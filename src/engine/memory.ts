// What a worker remembers of a run between two ticks, so that it need not ask again. None of it is truth.
import type { Finding } from "../domain/check.ts";
import type { Interval } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import type { JudgeState } from "../domain/judge/state.ts";
import type { ProbeCount } from "../domain/limits.ts";
import type { MetricWatch } from "../domain/metric.ts";
import type { Tally } from "../domain/tally.ts";

export interface Memory {
  /** Per service, the step whose frame this worker has asked for, and when last. */
  readonly asked: Map<string, { readonly key: string; readonly atMs: Ms }>;
  /** Per step and service, what was counted so far. */
  readonly counted: Map<string, CountedSoFar>;
  /** Per service with an exposure budget, who has seen its candidate. */
  readonly exposed: Map<string, Exposed>;
  /** Per step and service, what the metric source said when it last did not answer. */
  readonly silences: Map<string, string>;
  /** Per step and service, the judge, how many observations it has seen, and what it found. */
  readonly judges: Map<string, JudgedSoFar>;
  /** Per step and service, its metric checks by name. */
  readonly metrics: Map<string, Readonly<Record<string, MetricWatch>>>;
  /** Since when each condition of a watch has held. */
  readonly holding: Map<string, Ms>;
  /** Per step, its probes. */
  readonly probes: Map<string, Readonly<Record<string, ProbeCount>>>;
}

/** The intervals themselves are in the store: a bake may last for days. */
export interface CountedSoFar {
  readonly tally: Tally;
  /** A digest over all observations, each chained to those before it. */
  readonly digest: string;
}

interface JudgedSoFar {
  readonly state: JudgeState;
  readonly folded: number;
  readonly isOver: boolean;
  readonly finding: Omit<Finding, "check">;
}

export interface Exposed {
  readonly requests: number;
  readonly last?: Interval;
}

export function blank(): Memory {
  return {
    asked: new Map(),
    counted: new Map(),
    exposed: new Map(),
    silences: new Map(),
    judges: new Map(),
    metrics: new Map(),
    holding: new Map(),
    probes: new Map(),
  };
}
