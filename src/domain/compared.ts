// Candidate against stable over all bakes of a rollout: what the judge is given, and what it finds, as one finding.
import { bucketsOf, onto } from "./buckets.ts";
import type { Check, Finding } from "./check.ts";
import { type Interval, isInterval, type Observation, type ReplicaMoments } from "./evidence.ts";
import { type Ms, replicasFor, shareOf } from "./frame.ts";
import { summary } from "./judge/explain.ts";
import { observe } from "./judge/observe.ts";
import type { Recording } from "./judge/replay.ts";
import { podLogSdOfMoments } from "./judge/spread.ts";
import type { JudgeState } from "./judge/state.ts";
import type { PlanNode, PlannedService, Step } from "./plan.ts";
import type { Run } from "./run.ts";

/** Routes that have evidence of their own: the busiest of stable's last minutes. */
const strataMax = 20;

type ComparisonCheck = Extract<Check, { kind: "comparison" }>;
type BakeStep = Extract<Step, { kind: "bake" }>;

/** A bake in which the candidate is compared with stable, and how it stands there. */
export interface ComparedBake {
  readonly index: number;
  readonly step: BakeStep;
  readonly check: ComparisonCheck;
  /** Share of the requests that the candidate is sent, 0 … 1. */
  readonly share: number;
  readonly candidateReplicas: number;
  readonly stableReplicas: number;
}

/** Those bakes of a node in which both sides have traffic, in their order. */
export function comparedBakes(
  node: PlanNode,
  { stable, candidate, size, serves }: PlannedService,
): readonly ComparedBake[] {
  if (stable === undefined || !serves) return [];
  return [...node.steps.entries()].flatMap(([index, step]): readonly ComparedBake[] => {
    if (step.kind !== "bake") return [];
    const check = step.checks.find((one) => one.kind === "comparison");
    const set = node.steps.slice(0, index).findLast((before) => before.kind === "set");
    if (check === undefined || set === undefined) return [];
    const [here, there] = [shareOf(set.frame, candidate), shareOf(set.frame, stable)];
    if (here.traffic <= 0 || there.traffic <= 0) return [];
    return [
      {
        index,
        step,
        check,
        share: here.traffic / 100,
        candidateReplicas: replicasFor(here.capacity, size),
        stableReplicas: replicasFor(there.capacity, size),
      },
    ];
  });
}

export interface Gathered {
  readonly run: Run;
  readonly bakes: readonly ComparedBake[];
  /** Stable alone, before the candidate's first share. */
  readonly history: readonly Interval[];
  /** What was observed in each of the bakes, by its index. */
  readonly observed: ReadonlyMap<number, readonly Observation[]>;
}

/** All that the judge is told of a rollout: from it every state of it can be had again, bit for bit. */
export function recordingOf({ run, bakes, history, observed }: Gathered): Recording | undefined {
  const [first] = bakes;
  if (first === undefined) return undefined;
  const intervals = bakes.flatMap(({ index }) => observed.get(index) ?? []);
  const [counted] = intervals;
  const buckets = bucketsOf(history[0] ?? intervals.find(isInterval));
  return {
    beginning: {
      history: {
        intervals: history.map((before) => onto(before, buckets).stable),
        podLogSd: podLogSdOfMoments(replicasOf(history)),
      },
      strata: busiest(history),
      buckets,
      parameters: {
        // One budget of false alarms for a deployment, split over the services that it compares.
        alpha: first.check.alpha / Math.max(1, comparedServices(run)),
        plannedMs: bakes.reduce((sum, { step }) => sum + step.lastsMs, 0),
        intervalMs: lengthOf(history[0] ?? counted) ?? 5_000,
        minimumRequests: first.check.minimumRequests,
        requireProof: first.check.requireProof,
        candidateReplicas: Math.max(1, first.candidateReplicas),
        stableReplicas: Math.max(1, first.stableReplicas),
      },
    },
    intervals,
    steps: bakes.flatMap(({ index, share, candidateReplicas }, i) => {
      const [start] = observed.get(index) ?? [];
      const hadReplicas = bakes[i - 1]?.candidateReplicas ?? candidateReplicas;
      const step = { share, newReplicas: candidateReplicas > hadReplicas };
      return start === undefined ? [] : [{ fromMs: start.startMs, ...step }];
    }),
  };
}

export function compare(state: JudgeState, observations: readonly Observation[]): JudgeState {
  return observations.reduce<JudgeState>(observe, state);
}

export function comparisonFinding(state: JudgeState, isOver: boolean): Omit<Finding, "check"> {
  const { judgement, sentence } = summary(state, { isOver });
  return { verdict: judgement, because: sentence };
}

function comparedServices(run: Run): number {
  return Object.values(run.plan?.services ?? {}).filter(({ serves, stable }) => serves && stable !== undefined).length;
}

function lengthOf(one: Observation | undefined): Ms | undefined {
  return one === undefined ? undefined : one.endMs - one.startMs;
}

/** Stable's replicas over the whole history, one by one. */
function replicasOf(history: readonly Interval[]): readonly ReplicaMoments[] {
  const sums = new Map<string, ReplicaMoments>();
  for (const { stableReplicas = {} } of history) {
    for (const [id, { successes, logSum, logSquareSum }] of Object.entries(stableReplicas)) {
      const before = sums.get(id) ?? { successes: 0, logSum: 0, logSquareSum: 0 };
      sums.set(id, {
        successes: before.successes + successes,
        logSum: before.logSum + logSum,
        logSquareSum: before.logSquareSum + logSquareSum,
      });
    }
  }
  return [...sums.values()];
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
