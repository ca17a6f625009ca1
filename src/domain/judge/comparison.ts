// Candidate beside stable in plain numbers, as counted: nothing tempered, nothing shifted.
import type { Buckets, Counts, Stratum } from "../evidence.ts";
import { type Pair, type Pairs, plusPair } from "./blocks.ts";
import { nothing, total } from "./counts.ts";
import { pairsSlower } from "./rank.ts";

export interface Comparison {
  /** null: the whole service. */
  readonly stratum: Stratum | null;
  readonly stable: Side;
  readonly candidate: Side;
  /** Share of pairs in which the candidate's request is the faster one; ½ when they are alike, null without pairs. */
  readonly fasterShare: number | null;
}

export interface Side {
  readonly requests: number;
  readonly errors: number;
  /** 0 … 1; null without requests. */
  readonly errorRate: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Successes by bucket: the whole distribution, for a picture. */
  readonly latency: readonly number[];
}

/** The whole service, or one stratum of it. */
export function compare(pairs: Pairs, stratum: Stratum | null, buckets: Buckets): Comparison {
  const chosen = stratum === null ? Object.values(pairs) : [pairs[stratum] ?? nothingYet];
  const sum = chosen.reduce(plusPair, nothingYet);
  return {
    stratum,
    stable: side(sum.stable, buckets),
    candidate: side(sum.candidate, buckets),
    fasterShare: fasterShare(chosen),
  };
}

const nothingYet: Pair = { stable: nothing, candidate: nothing };

function side({ requests, errors, latency }: Counts, buckets: Buckets): Side {
  return {
    requests,
    errors,
    errorRate: requests > 0 ? errors / requests : null,
    p50Ms: latencyMs(latency, 0.5, buckets),
    p99Ms: latencyMs(latency, 0.99, buckets),
    latency,
  };
}

/** Pairs are formed within a stratum only: a candidate with more of the slow routes is not a slow candidate. */
function fasterShare(pairs: readonly Pair[]): number | null {
  const all = pairs.reduce((sum, { stable, candidate }) => sum + total(stable.latency) * total(candidate.latency), 0);
  const slower = pairs.reduce((sum, { stable, candidate }) => sum + pairsSlower(candidate.latency, stable.latency), 0);
  return all > 0 ? 1 - slower / all : null;
}

/** A quantile in milliseconds, even in log latency within its bucket; null of nothing. */
export function latencyMs(latency: readonly number[], q: number, { log2Edges }: Buckets): number | null {
  const wanted = q * total(latency);
  if (wanted <= 0) return null;
  let below = 0;
  for (let b = 0; b < latency.length; b++) {
    const count = latency[b] ?? 0;
    if (count > 0 && below + count >= wanted) {
      const [low = 0, high = 0] = log2Edges.slice(b, b + 2);
      return 2 ** (low + ((high - low) * (wanted - below)) / count);
    }
    below += count;
  }
  return null;
}
