// Every number that the judge goes by, with its reason. docs/judge.md, section "Parameters", is the same table in prose.
import type { Ms } from "../frame.ts";

/** Shares of the one unit of evidence that each stream starts with; together with `warm` and `crash` they sum to 1. */
interface StreamWeights {
  readonly err: number;
  readonly rank: number;
  readonly tail: number;
}

/** What is forgiven by nature: pods that differ, and events that come in clumps. */
export interface Allowance {
  /** The tolerance covers this many standard deviations of the measured spread between stable pods. */
  readonly podSpreads: number;
  /**
   * How clumped events are tempered: by their average clumping, or so that a clump of geometric size is a fair bet (temper.ts).
   * The estimate of clumping leaves out the highest 3 % of its pairs, with the largest clumps among them: of simulated clumps
   * with φ = 5 it sees 2.9 to 3.6. What it sees above 1 is scaled up by `scale`. Below `seenMin` it may be chance, and counts as seen.
   */
  readonly clumps: { readonly model: "average" | "geometric"; readonly scale: number; readonly seenMin: number };
}

export interface Parameters extends Allowance {
  /** Suspicion needs the allowance above; a rollback has to stand up to this one as well. Null: to no other. */
  readonly firm: Allowance | null;
  /** Chance that a good release is ever rolled back, over the whole rollout: `fail` at E ≥ 1/alpha. */
  readonly alpha: number;
  /** E at which the rollout stops advancing: a good release is ever held with chance at most 1/hold. */
  readonly hold: number;
  /** Chance that a release outside the margin is passed early, per step. */
  readonly beta: number;
  /** Length of the whole rollout as planned: start times and the outage stream are laid over it. */
  readonly plannedMs: Ms;
  readonly intervalMs: Ms;

  /** Harm is more than this times stable's error rate … */
  readonly errorRatioMax: number;
  /** … and above this rate; keeps 0 → 1 error from counting as infinitely worse. */
  readonly errorRateMax: number;
  /** The candidate's latency is divided by the tolerance before it is compared: pods and hosts differ. */
  readonly latencyToleranceMin: number;
  readonly latencyToleranceMax: number;
  readonly candidateReplicas: number;
  readonly stableReplicas: number;

  /** Bets. Error rate of the candidate over stable's: from "slightly more" to "broken". */
  readonly errorRatios: readonly number[];
  /** Error rate of the candidate over `errorRateMax`. */
  readonly errorRateFactors: readonly number[];
  /** Tilts of the rank test: small ones for +10 %, large ones for x2. At most 4 (see rank.ts). */
  readonly tilts: readonly number[];
  readonly warmTilts: readonly number[];
  /** A request is slow above this quantile of stable's latency. */
  readonly tailQuantiles: readonly number[];
  readonly tailRatios: readonly number[];

  /** Evidence summed over strata: an effect common to all. */
  readonly common: StreamWeights;
  /** Evidence of one stratum alone, split evenly over the strata. */
  readonly single: StreamWeights;
  readonly warm: number;
  readonly crash: number;
  /** Bets begin at each of these shares of the planned length: a late fault need not repay evidence lost before. */
  readonly starts: readonly number[];
  /** Weight of the first start; the others share the rest. */
  readonly firstStart: number;
  /** One interval adds at most this share of ln(1/alpha): one bad scrape never decides. */
  readonly capShare: number;

  /** Warm-up (JIT, caches, pools): latency counts only against `tolerance`, until both are over, `msMax` at most. */
  readonly warmUp: { readonly ms: Ms; readonly requests: number; readonly msMax: Ms; readonly tolerance: number };
  /** Requests that close a block; a block with an empty side says nothing. */
  readonly block: { readonly candidate: number; readonly stable: number };

  readonly health: {
    readonly errorRatio: number;
    readonly errorRatios: readonly number[];
    readonly errorRate: number;
    readonly errorRateFactors: readonly number[];
    readonly latency: number;
    readonly tilts: readonly number[];
    readonly tailRatio: number;
    readonly tailRatios: readonly number[];
    readonly afterMs: Ms;
  };
  /** Candidate requests that must have been compared for "no harm seen" at the end of a bake. */
  readonly minimumRequests: number;
  /** Then health must be shown: no harm seen is not enough. */
  readonly requireProof: boolean;
}

/** The parameters of the published algorithm, for which recorded canaries exist. */
export const page: Parameters = {
  firm: null,
  alpha: 0.01,
  hold: 20,
  beta: 0.05,
  plannedMs: 1_800_000,
  intervalMs: 5_000,
  errorRatioMax: 1.1,
  errorRateMax: 0.0002,
  latencyToleranceMin: 1.03,
  latencyToleranceMax: 1.25,
  podSpreads: 2,
  candidateReplicas: 1,
  stableReplicas: 9,
  errorRatios: [1.5, 2.5, 6, 30],
  errorRateFactors: [4, 20, 200],
  tilts: [0.25, 0.6, 1.5, 4],
  warmTilts: [1.5, 4],
  tailQuantiles: [0.99, 0.999],
  tailRatios: [1.6, 3, 8],
  clumps: { model: "average", scale: 1, seenMin: 1 },
  common: { err: 0.4, rank: 0.2, tail: 0.16 },
  single: { err: 0.11, rank: 0.05, tail: 0.05 },
  warm: 0.01,
  crash: 0.02,
  starts: [0, 120, 240, 480, 720, 960, 1200, 1440].map((second) => second / 1800),
  firstStart: 0.8,
  capShare: 0.5,
  warmUp: { ms: 60_000, requests: 100, msMax: 600_000, tolerance: 8 },
  block: { candidate: 1, stable: 4 },
  health: {
    errorRatio: 2,
    errorRatios: [0.25, 0.5, 1],
    errorRate: 0.003,
    errorRateFactors: [0.02, 0.2, 0.5],
    latency: 1.1,
    tilts: [-0.2, -0.4, -0.8],
    tailRatio: 2.5,
    tailRatios: [0.7, 1, 1.4],
    afterMs: 120_000,
  },
  minimumRequests: 500,
  requireProof: false,
};

/**
 * A wrong rollback costs more than a wrong hold, so a rollback needs more: evidence that is left when pods and clumps are
 * allowed for in full. 3.3 spreads are the prediction interval for one pod more, seen from nine (docs/judge.md).
 */
export const defaults: Parameters = {
  ...page,
  firm: { podSpreads: 3.3, clumps: { model: "geometric", scale: 1.75, seenMin: 1.25 } },
};
