// A strategy names milestones, as data: which shares and which gates, in order. `plan.ts` fills in the moves between.
import type { Check } from "./check.ts";
import { dark, type Frame, type Ms, type Percent, type RevisionId, type Route, wholly } from "./frame.ts";

/** Who must say yes: `quorum` different people who hold one of `roles` (none named: anyone who may deploy). */
export interface ApprovalPolicy {
  readonly roles: readonly string[];
  readonly quorum: number;
  readonly note?: string;
}

/** What happens between two milestones. */
export type Gate =
  | { readonly kind: "job"; readonly name: string; readonly withinMs: Ms }
  /** Watches for `lastsMs`, or from `earliestMs` on until health is shown; without checks it only waits (a timed pause). */
  | {
      readonly kind: "bake";
      readonly lastsMs: Ms;
      readonly earliestMs?: Ms;
      readonly checks: readonly Check[];
      readonly withinMs: Ms;
    }
  | { readonly kind: "approve"; readonly policy: ApprovalPolicy; readonly withinMs: Ms };

/** How many may see a candidate before its rollout's own gates have passed. */
export interface Exposure {
  readonly requestsMax?: number;
  /** Different users, as a metric source counts them. */
  readonly users?: { readonly max: number; readonly source: string; readonly query: string };
  /** What happens when that many have: it goes back, or gives its traffic back and asks. */
  readonly onSpent: "rollback" | "hold";
}

export type CanaryStep = { readonly kind: "setWeight"; readonly weight: Percent } | Gate;

export type Strategy =
  /** Stops the old side, then starts the new one: requests are buffered, then see the maintenance page. */
  | { readonly kind: "recreate" }
  /** Batch by batch. With `maxUnavailable` 0 each batch is added before an old one goes; otherwise it takes its place. */
  | {
      readonly kind: "rolling";
      readonly batchSize: Percent;
      readonly maxUnavailable: Percent;
      readonly pauseMs: Ms;
      /** Percent of the new replicas that may break before the rollout fails. */
      readonly maxFailureShare: Percent;
    }
  /** The new side at full size beside the old one, seen only through `preview`; then `switchShares` of traffic, 100 last. */
  | {
      readonly kind: "blueGreen";
      readonly preview: readonly Gate[];
      readonly switchShares: readonly Percent[];
      readonly afterSwitch: readonly Gate[];
      readonly exposure?: Exposure;
    }
  | { readonly kind: "canary"; readonly steps: readonly CanaryStep[]; readonly exposure?: Exposure };

export type StrategyKind = Strategy["kind"];

export type Milestone = { readonly kind: "frame"; readonly frame: Frame } | Gate;

export interface Sides {
  /** Absent on the first deployment: then every strategy starts the candidate whole, and only jobs and approvals remain. */
  readonly stable?: RevisionId;
  readonly candidate: RevisionId;
  /** Routes by which people reach a candidate that has no traffic yet. */
  readonly preview: readonly Route[];
}

/** From the standing frame (`stable` whole, or dark) to `candidate` carrying all traffic. */
export function milestones(strategy: Strategy, sides: Sides): readonly Milestone[] {
  return sides.stable === undefined
    ? firstTime(strategy, sides)
    : between(strategy, { ...sides, stable: sides.stable });
}

type BothSides = Sides & { readonly stable: RevisionId };

function between(strategy: Strategy, sides: BothSides): readonly Milestone[] {
  switch (strategy.kind) {
    case "recreate":
      return recreate(sides);
    case "rolling":
      return rolling(strategy, sides);
    case "blueGreen":
      return blueGreen(strategy, sides);
    case "canary":
      return canary(strategy.steps, sides);
  }
}

function firstTime(strategy: Strategy, { candidate }: Sides): readonly Milestone[] {
  const gates = gatesOf(strategy).filter((gate) => gate.kind !== "bake");
  return [frame({ [candidate]: { capacity: 100, traffic: 0 } }), ...gates, { kind: "frame", frame: wholly(candidate) }];
}

function gatesOf(strategy: Strategy): readonly Gate[] {
  if (strategy.kind === "blueGreen") return [...strategy.preview, ...strategy.afterSwitch];
  if (strategy.kind === "canary") return strategy.steps.filter((step) => step.kind !== "setWeight");
  return [];
}

function frame(revisions: Frame["revisions"], routes: readonly Route[] = []): Milestone {
  return { kind: "frame", frame: { revisions, routes } };
}

/** The candidate at `weight`, with the capacity to bear it, beside a stable side that stays at full size. */
function beside(sides: BothSides, weight: Percent, capacity = weight): Milestone {
  return frame(
    {
      [sides.stable]: { capacity: 100, traffic: 100 - weight },
      [sides.candidate]: { capacity, traffic: weight },
    },
    sides.preview,
  );
}

function canary(steps: readonly CanaryStep[], sides: BothSides): readonly Milestone[] {
  const named = steps.map((step) => (step.kind === "setWeight" ? beside(sides, step.weight) : step));
  const last = steps.findLast((step) => step.kind === "setWeight");
  return last?.weight === 100 ? named : [...named, beside(sides, 100)];
}

function blueGreen(strategy: Extract<Strategy, { kind: "blueGreen" }>, sides: BothSides): readonly Milestone[] {
  const shares = strategy.switchShares.at(-1) === 100 ? strategy.switchShares : [...strategy.switchShares, 100];
  return [
    beside(sides, 0, 100),
    ...strategy.preview,
    ...shares.map((share) => beside(sides, share, 100)),
    ...strategy.afterSwitch,
  ];
}

function recreate({ stable, candidate }: BothSides): readonly Milestone[] {
  return [
    frame({ [stable]: { capacity: 100, traffic: 0 } }),
    frame({ [stable]: { capacity: 0, traffic: 0 } }),
    frame({ [candidate]: { capacity: 100, traffic: 0 } }),
    { kind: "frame", frame: wholly(candidate) },
  ];
}

function rolling(strategy: Extract<Strategy, { kind: "rolling" }>, sides: BothSides): readonly Milestone[] {
  const done = batches(strategy.batchSize);
  return done.flatMap((share, i): readonly Milestone[] => {
    const before = done[i - 1] ?? 0;
    const room = Math.min(share - before, strategy.maxUnavailable);
    const makeRoom = room > 0 ? [sharedByCapacity(sides, 100 - before - room, before)] : [];
    const pause: readonly Milestone[] =
      strategy.pauseMs > 0 && share < 100
        ? [{ kind: "bake", lastsMs: strategy.pauseMs, checks: [], withinMs: strategy.pauseMs }]
        : [];
    return [...makeRoom, sharedByCapacity(sides, 100 - share, share), ...pause];
  });
}

function batches(batchSize: Percent): readonly Percent[] {
  const size = Math.max(1, Math.min(100, batchSize));
  return Array.from({ length: Math.ceil(100 / size) }, (_, i) => Math.min(100, (i + 1) * size));
}

/** Traffic in proportion to what each side runs, so that no replica is asked for more than another. */
function sharedByCapacity({ stable, candidate }: BothSides, old: Percent, fresh: Percent): Milestone {
  const traffic = Math.round((fresh / (old + fresh)) * 10_000) / 100;
  if (old === 0) return { kind: "frame", frame: wholly(candidate) };
  return frame({
    [stable]: { capacity: old, traffic: round2(100 - traffic) },
    ...(fresh > 0 ? { [candidate]: { capacity: fresh, traffic } } : {}),
  });
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The frame a service stands in before a deployment touches it. */
export function standing(stable: RevisionId | undefined): Frame {
  return stable === undefined ? dark : wholly(stable);
}
