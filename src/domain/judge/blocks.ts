// A block is the traffic that one e-value is computed from: intervals of one stratum until both sides have requests.
import type { Counts, Interval, Stratum } from "../evidence.ts";
import { nothing, plus } from "./counts.ts";
import type { Parameters } from "./parameters.ts";

/** Both sides of the same stratum over the same time. */
export interface Pair {
  readonly stable: Counts;
  readonly candidate: Counts;
}

export type Pairs = Readonly<Record<Stratum, Pair>>;

const other: Stratum = "other";
/** Routes told apart; the rest is "other". */
const strataMax = 20;

/** The interval by stratum. A route that appears late is compared with itself, never with another route, while there is room. */
export function pairsOf({ stable, candidate }: Interval, known: readonly Stratum[]): Pairs {
  const pairs: Record<Stratum, Pair> = {};
  for (const [side, strata] of Object.entries({ stable, candidate })) {
    for (const [stratum, counts] of Object.entries(strata)) {
      const name = known.includes(stratum) ? stratum : other;
      const pair = pairs[name] ?? { stable: nothing, candidate: nothing };
      pairs[name] =
        side === "stable"
          ? { ...pair, stable: plus(pair.stable, counts) }
          : { ...pair, candidate: plus(pair.candidate, counts) };
    }
  }
  return pairs;
}

/** `known` and the routes of this interval that are new, as long as there is room for them. */
export function withNewcomers(known: readonly Stratum[], { stable, candidate }: Interval): readonly Stratum[] {
  const newcomers = [...new Set([...Object.keys(stable), ...Object.keys(candidate)])]
    .filter((stratum) => !known.includes(stratum))
    .sort();
  return newcomers.length === 0 ? known : [...known, ...newcomers.slice(0, Math.max(0, strataMax - known.length))];
}

export function plusPairs(a: Pairs, b: Pairs): Pairs {
  const sum: Record<Stratum, Pair> = { ...a };
  for (const [stratum, pair] of Object.entries(b)) {
    const before = a[stratum];
    sum[stratum] = before ? plusPair(before, pair) : pair;
  }
  return sum;
}

export function plusPair(a: Pair, b: Pair): Pair {
  return { stable: plus(a.stable, b.stable), candidate: plus(a.candidate, b.candidate) };
}

/**
 * Blocks that closed, and those still open. They close on request counts only, never on errors or latency. In alphabetical
 * order: sums of doubles, and so the evidence to its last bit, do not depend on the order in which a source names routes.
 */
export function closeBlocks(open: Pairs, pairs: Pairs, { block }: Parameters): { closed: Pairs; open: Pairs } {
  const closed: Record<Stratum, Pair> = {};
  const left: Record<Stratum, Pair> = {};
  const sum = plusPairs(open, pairs);
  for (const stratum of Object.keys(sum).sort()) {
    const pair = sum[stratum];
    if (pair === undefined) continue;
    const isFull = pair.candidate.requests >= block.candidate && pair.stable.requests >= block.stable;
    (isFull ? closed : left)[stratum] = pair;
  }
  return { closed, open: left };
}
