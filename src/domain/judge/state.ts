// What the judge remembers between intervals: plain JSON, rebuilt at any time by folding the stored intervals again.
import type { Buckets, Counts, Stratum } from "../evidence.ts";
import type { Ms } from "../frame.ts";
import type { Pairs } from "./blocks.ts";
import type { Sums } from "./ledger.ts";
import type { Parameters } from "./parameters.ts";
import type { Books } from "./parts.ts";
import type { Past } from "./past.ts";

/** Stable alone, the five minutes before the candidate got traffic. */
export interface History {
  readonly intervals: readonly Readonly<Record<Stratum, Counts>>[];
  /** Spread between stable pods of their mean log latency (see spread.ts); 0 with fewer than three pods. */
  readonly podLogSd: number;
}

/** The present step of the rollout: what its verdict needs beyond the evidence, which runs over all steps. */
export interface StepSoFar {
  readonly sinceMs: Ms | null;
  /** Candidate's share of the requests as planned, 0 … 1; null where it cannot be known (header or cookie routing). */
  readonly share: number | null;
  readonly usable: number;
  readonly dropped: number;
  /** Why the last one was dropped. */
  readonly droppedBecause: string | null;
  /** Requests of both sides in closed blocks: what was compared. */
  readonly compared: { readonly stable: number; readonly candidate: number };
  readonly requests: { readonly stable: number; readonly candidate: number };
  /** Requests of the other side since this side last had one. */
  readonly silence: { readonly stable: number; readonly candidate: number };
  /** Evidence of health in this step. */
  readonly health: Sums;
}

/** Unusable intervals since the last usable one. */
interface Blackout {
  readonly sinceMs: Ms;
  readonly untilMs: Ms;
  readonly because: string;
}

export interface JudgeState {
  readonly parameters: Parameters;
  readonly buckets: Buckets;
  /** Strata with money of their own: fixed at the start, in alphabetical order. */
  readonly strata: readonly Stratum[];
  /** These and the routes that appeared later. */
  readonly routes: readonly Stratum[];
  /** ρ: the candidate's latency is divided by it. */
  readonly tolerance: number;
  /** The same evidence under the firm allowance; null where none is asked for. */
  readonly firm: { readonly tolerance: number; readonly books: Books; readonly logE: number } | null;

  readonly sinceMs: Ms | null;
  readonly untilMs: Ms | null;
  readonly warmUp: { readonly sinceMs: Ms | null; readonly requests: number; readonly isOn: boolean };
  readonly past: Past;
  readonly open: Pairs;
  readonly books: Books;
  /** Counts so far, and at each start that came: what a sentence is made of. */
  readonly seen: Pairs;
  readonly seenAt: readonly (Pairs | null)[];
  readonly step: StepSoFar;
  readonly blackout: Blackout | null;

  /** ln of the evidence of harm, E; a rollback needs the firm evidence to come as far. */
  readonly logE: number;
  /** ln of the evidence of health in this step. */
  readonly logHealth: number;
  /** End of the interval at which E, the firm one too, first was at least 1/alpha: final. */
  readonly failedAtMs: Ms | null;
}

export const newStep: StepSoFar = {
  sinceMs: null,
  share: null,
  usable: 0,
  dropped: 0,
  droppedBecause: null,
  compared: { stable: 0, candidate: 0 },
  requests: { stable: 0, candidate: 0 },
  silence: { stable: 0, candidate: 0 },
  health: {},
};
