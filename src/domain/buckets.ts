// Counts in other buckets: sources differ in theirs, and a release may change its own. Within an interval both sides are in
// the same ones; here an interval is brought to those of another.
import { type Buckets, type Counts, type Interval, nativeBuckets, type Stratum } from "./evidence.ts";

export function bucketsOf(interval: Pick<Interval, "buckets"> | undefined): Buckets {
  return interval?.buckets ?? nativeBuckets;
}

/** All in the buckets of the first of them; the very same list where they are so already. */
export function aligned(intervals: readonly Interval[]): readonly Interval[] {
  const buckets = bucketsOf(intervals[0]);
  return intervals.every((interval) => isSame(bucketsOf(interval), buckets))
    ? intervals
    : intervals.map((interval) => onto(interval, buckets));
}

/** Both sides alike, so what is not known within a bucket makes neither look slower. */
export function onto(interval: Interval, buckets: Buckets): Interval {
  const from = bucketsOf(interval);
  if (isSame(from, buckets)) return interval;
  const each = (side: Interval["stable"]) =>
    Object.fromEntries(
      Object.entries(side).map(([stratum, counts]): [Stratum, Counts] => [
        stratum,
        { ...counts, latency: rebucketed(counts.latency, from, buckets) },
      ]),
    );
  return { ...interval, stable: each(interval.stable), candidate: each(interval.candidate), buckets };
}

/** A bucket's count is spread evenly in log latency over those that it meets; what is beyond either end is in the last one there. */
export function rebucketed(latency: readonly number[], from: Buckets, to: Buckets): readonly number[] {
  const last = to.log2Edges.length - 2;
  const moved = new Array<number>(last + 1).fill(0);
  for (const [b, count] of latency.entries()) {
    const [low = 0, high = low] = from.log2Edges.slice(b, b + 2);
    if (count === 0) continue;
    for (let a = 0; a <= last; a++) {
      const start = a === 0 ? Number.NEGATIVE_INFINITY : (to.log2Edges[a] ?? 0);
      const end = a === last ? Number.POSITIVE_INFINITY : (to.log2Edges[a + 1] ?? 0);
      const share = (Math.min(high, end) - Math.max(low, start)) / (high - low);
      if (share > 0) moved[a] = (moved[a] ?? 0) + count * share;
    }
  }
  return moved;
}

function isSame(a: Buckets, b: Buckets): boolean {
  if (a === b) return true;
  return a.log2Edges.length === b.log2Edges.length && a.log2Edges.every((edge, i) => edge === b.log2Edges[i]);
}
