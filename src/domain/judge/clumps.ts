// A bet on clumps instead of on single errors, of the service as a whole: retries of one client are one failure.

import type { Pairs } from "./blocks.ts";
import { type Circumstances, errorEvents, scaled } from "./harm.ts";
import type { Sums } from "./ledger.ts";
import type { Events } from "./rate.ts";

/** Less is hardly told from chance, and single errors are better bet on one by one. */
const clumpingMin = 2;
/** Candidate requests in a block for each of a clump: with fewer a clump would not lie in one block. */
const roomMin = 4;
/** Clumps that the candidate is to be expected to have in a block: with more the bet would not see that there are many. */
const expectedMax = 0.25;

/**
 * The bets on errors in a block of all strata together, where clumps were measured and lie apart; else nothing, and the
 * tempered bets (temper.ts) stand. Both conditions are known before the block's errors are.
 */
export function clumpedErrors(closed: Pairs, { past, clumps, parameters: p }: Circumstances): Sums {
  const clumping = scaled(past.errorClumping, clumps);
  if (clumps.model !== "geometric" || clumping < clumpingMin) return {};
  const events = Object.values(closed).map(errorEvents).reduce(plus, none);
  const size = (clumping + 1) / 2;
  const usualRate = past.usual.errors / Math.max(1, past.usual.requests);
  const isRoomy = events.candidateRequests >= roomMin * size;
  const areApart = (usualRate * events.candidateRequests) / size <= expectedMax;
  if (!isRoomy || !areApart) return {};
  return { err: p.errorRatios.map((r) => logClumps(events, clumping, { r, r0: p.errorRatioMax })) };
}

/**
 * As `logRate`, for events that come in clumps of geometric size with the clumping φ = E s²/E s (each clump ends with chance
 * q = 2/(φ + 1)). A block in which the candidate has events wins once, however many: a = ln(r/r0) − D. Each event of stable
 * costs d = D + ln(q + (1 − q)·e^(−D)), which makes a clump there cost e^(−D) on average: E e^(−d·s) = e^(−D). So one clump is
 * the fair bet that one event is in `logRate`, θ·eᵃ + (1 − θ)·e^(−D) = 1, and several clumps in a block win no more than one.
 */
export function logClumps(events: Events, clumping: number, { r, r0 }: { r: number; r0: number }): number {
  const { candidate: k, stable: l, candidateRequests: n, stableRequests: m } = events;
  if (n <= 0 || m <= 0) return 0;
  const p = n / (n + m);
  const q = 2 / (clumping + 1);
  const D = Math.log((1 - p + p * r) / (1 - p + p * r0));
  const d = D + Math.log(q + (1 - q) * Math.exp(-D));
  return (k > 0 ? Math.log(r / r0) - D : 0) - l * d;
}

const none: Events = { candidate: 0, stable: 0, candidateRequests: 0, stableRequests: 0 };

function plus(a: Events, b: Events): Events {
  return {
    candidate: a.candidate + b.candidate,
    stable: a.stable + b.stable,
    candidateRequests: a.candidateRequests + b.candidateRequests,
    stableRequests: a.stableRequests + b.stableRequests,
  };
}
