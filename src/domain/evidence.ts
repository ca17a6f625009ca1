// What the data plane counted: the intervals on which a bake is judged. Counts, never rates, so they add up.
import type { Ms } from "./frame.ts";

/** A class of routes, "POST /orders"; at most 20 a service by traffic, the rest is "other". */
export type Stratum = string;

export interface Counts {
  readonly requests: number;
  /** Responses that the service's owner calls an error (5xx, unless configured). */
  readonly errors: number;
  /** Successes by latency: count of each bucket, see `Buckets`. Trailing zeros may be left out. */
  readonly latency: readonly number[];
}

/** Bucket b covers [2^log2Edges[b], 2^log2Edges[b+1]) milliseconds; the last edge closes the top bucket. */
export interface Buckets {
  readonly log2Edges: readonly number[];
}

/** 240 buckets of 1/16 octave (4.4 % wide) from 2 ms: what the host's own router records. */
export const nativeBuckets: Buckets = { log2Edges: Array.from({ length: 241 }, (_, b) => 1 + b / 16) };

/** Increments of one interval (5 s by default), both sides seen by the same reader at the same moments. */
export interface Interval {
  readonly startMs: Ms;
  readonly endMs: Ms;
  readonly stable: Readonly<Record<Stratum, Counts>>;
  readonly candidate: Readonly<Record<Stratum, Counts>>;
  /** Stable's replicas one by one, where the source tells them apart: from them comes how much replicas differ anyway. */
  readonly stableReplicas?: Readonly<Record<string, ReplicaMoments>>;
  /** Of the latencies here; `nativeBuckets` unless said. */
  readonly buckets?: Buckets;
  /** How it was taken, where that is worth a word: "from http://b: http://a was not scraped for 40 s". */
  readonly remark?: string;
}

/** One revision's replicas one by one, where the source tells them apart. */
export interface ReplicaInterval {
  readonly startMs: Ms;
  readonly endMs: Ms;
  readonly replicas: Readonly<Record<string, Readonly<Record<Stratum, Counts>>>>;
  /** `nativeBuckets` unless said. */
  readonly buckets?: Buckets;
}

/** Successes of one replica, all routes together: how many, and the sums of ln(milliseconds) and of its square. */
export interface ReplicaMoments {
  readonly successes: number;
  readonly logSum: number;
  readonly logSquareSum: number;
}

/** An interval that could not be read, with the source's own words. */
export interface Gap {
  readonly startMs: Ms;
  readonly endMs: Ms;
  readonly missing: string;
}

/** What a source had to say of a stretch of time. */
export type Observation = Interval | Gap;

export function isGap(observation: Observation): observation is Gap {
  return "missing" in observation;
}

export function isInterval(observation: Observation): observation is Interval {
  return !isGap(observation);
}
