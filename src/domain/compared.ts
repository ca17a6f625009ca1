// Candidate against stable in a bake: the judge's evidence over all intervals of the rollout so far, as one finding.
import type { Check, Finding } from "./check.ts";
import { type Interval, nativeBuckets } from "./evidence.ts";
import type { Ms, Percent } from "./frame.ts";
import { explain } from "./judge/explain.ts";
import { begin, nextStep, observe } from "./judge/observe.ts";
import type { JudgeState } from "./judge/state.ts";

/** Routes that have evidence of their own: the busiest of stable's last minutes. */
const strataMax = 20;

export interface Comparing {
  readonly check: Extract<Check, { kind: "comparison" }>;
  /** The budget of false alarms is one for a deployment, split over the services that it moves. */
  readonly services: number;
  /** All bakes of the rollout together. */
  readonly plannedMs: Ms;
  readonly intervalMs: Ms;
  /** Stable alone, before the candidate's first share. */
  readonly history: readonly Interval[];
}

export function beginComparing({ check, services, plannedMs, intervalMs, history }: Comparing): JudgeState {
  return begin({
    history: { intervals: history.map((interval) => interval.stable), podLogSd: 0 },
    strata: busiest(history),
    buckets: nativeBuckets,
    parameters: {
      alpha: check.alpha / Math.max(1, services),
      plannedMs,
      intervalMs,
      minimumRequests: check.minimumRequests,
      requireProof: check.requireProof,
    },
  });
}

/** A bake of the same rollout at another share of traffic: the evidence of harm goes on. */
export function nextBake(state: JudgeState, share: Percent): JudgeState {
  return nextStep(state, { share: share / 100 });
}

export function compare(state: JudgeState, intervals: readonly Interval[]): JudgeState {
  return intervals.reduce<JudgeState>(observe, state);
}

export function comparisonFinding(state: JudgeState, isOver: boolean): Omit<Finding, "check"> {
  const { judgement, sentence } = explain(state, { isOver });
  return { verdict: judgement === "hold" ? "watching" : judgement, because: sentence };
}

function busiest(history: readonly Interval[]): readonly string[] {
  const requests = new Map<string, number>();
  for (const { stable } of history) {
    for (const [stratum, counts] of Object.entries(stable)) {
      requests.set(stratum, (requests.get(stratum) ?? 0) + counts.requests);
    }
  }
  return [...requests]
    .sort(([, a], [, b]) => b - a)
    .slice(0, strataMax)
    .map(([stratum]) => stratum);
}
