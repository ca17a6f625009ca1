// How much stable's pods differ among themselves: the spread that the tolerance covers, from each replica's own histograms.
import type { Buckets, ReplicaMoments, Stratum } from "../evidence.ts";
import { plusEach, total } from "./counts.ts";

/** Latency of one replica's successes, by stratum. */
export type ReplicaLatency = Readonly<Record<Stratum, readonly number[]>>;

interface Weighted {
  readonly value: number;
  readonly count: number;
}

/**
 * Standard deviation between pods of their mean log latency, sampling noise taken off, and one standard error of the estimate
 * too. A pod's requests enter as log latency less the median of their stratum, clipped to the 1–99 % range of all. 0 with
 * fewer than three pods; with exactly three the standard error is as large as the estimate, so 0 as well: four say something.
 */
export function podLogSd(replicas: readonly ReplicaLatency[], buckets: Buckets): number {
  const pods = replicas
    .map((pod) => residuals(pod, mediansOf(replicas, buckets), buckets))
    .filter((pod) => pod.length > 0);
  if (pods.length < 3) return 0;
  const low = weightedQuantile(pods.flat(), 0.01);
  const high = weightedQuantile(pods.flat(), 0.99);
  return spreadOf(
    pods.map((pod) => momentsOf(pod.map(({ value, count }) => ({ value: clip(value, low, high), count })))),
  );
}

/** The same from sums alone: routes are not told apart and nothing is clipped, which adds to the noise that is taken off. */
export function podLogSdOfMoments(replicas: readonly ReplicaMoments[]): number {
  const pods = replicas.filter(({ successes }) => successes > 1);
  return spreadOf(
    pods.map(({ successes, logSum, logSquareSum }) => {
      const m = logSum / successes;
      return { mean: m, varianceOfMean: Math.max(0, logSquareSum / successes - m * m) / successes };
    }),
  );
}

interface PodMean {
  readonly mean: number;
  readonly varianceOfMean: number;
}

function spreadOf(moments: readonly PodMean[]): number {
  const J = moments.length;
  if (J < 3) return 0;
  const noise = mean(moments.map(({ varianceOfMean }) => varianceOfMean));
  const between = variance(moments.map((pod) => pod.mean)) - noise;
  const standardError = (Math.max(between, 0) + noise) * Math.sqrt(2 / (J - 1));
  return Math.sqrt(Math.max(0, between - standardError));
}

function mediansOf(replicas: readonly ReplicaLatency[], buckets: Buckets): ReadonlyMap<Stratum, number> {
  const pooled = new Map<Stratum, readonly number[]>();
  for (const replica of replicas) {
    for (const [stratum, latency] of Object.entries(replica)) {
      pooled.set(stratum, plusEach(pooled.get(stratum) ?? [], latency));
    }
  }
  return new Map([...pooled].map(([stratum, latency]) => [stratum, weightedQuantile(logs(latency, buckets), 0.5)]));
}

function residuals(pod: ReplicaLatency, medians: ReadonlyMap<Stratum, number>, buckets: Buckets): Weighted[] {
  return Object.entries(pod).flatMap(([stratum, latency]) =>
    logs(latency, buckets).map(({ value, count }) => ({ value: value - (medians.get(stratum) ?? 0), count })),
  );
}

/** Natural logarithm of the middle of each bucket that holds something. */
function logs(latency: readonly number[], { log2Edges }: Buckets): Weighted[] {
  return latency.flatMap((count, b) => {
    const middle = ((log2Edges[b] ?? 0) + (log2Edges[b + 1] ?? 0)) / 2;
    return count > 0 ? [{ value: middle * Math.LN2, count }] : [];
  });
}

function momentsOf(pod: readonly Weighted[]): PodMean {
  const n = total(pod.map(({ count }) => count));
  const m = total(pod.map(({ value, count }) => value * count)) / n;
  const v = total(pod.map(({ value, count }) => (value - m) ** 2 * count)) / n;
  return { mean: m, varianceOfMean: v / n };
}

function weightedQuantile(values: readonly Weighted[], q: number): number {
  const sorted = [...values].sort((a, b) => a.value - b.value);
  const wanted = q * total(sorted.map(({ count }) => count));
  let below = 0;
  for (const { value, count } of sorted) {
    below += count;
    if (below >= wanted) return value;
  }
  return sorted.at(-1)?.value ?? 0;
}

function mean(values: readonly number[]): number {
  return total(values) / values.length;
}

function variance(values: readonly number[]): number {
  const m = mean(values);
  return total(values.map((value) => (value - m) ** 2)) / (values.length - 1);
}

function clip(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
