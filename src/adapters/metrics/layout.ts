// The latency buckets of an interval. Histograms of any kind are kept as "so many were at most so slow" at the edges that
// they know; what several of them all know can be compared without guessing where inside a bucket a request was.
import type { Buckets } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";

/** Upper edge in ms, Infinity among them → how many requests took at most so long. */
export type UpTo = ReadonlyMap<Ms, number>;

export interface Layout {
  /** Finite upper edges, rising. */
  readonly edgesMs: readonly Ms[];
  readonly buckets: Buckets;
}

/** The edges that all of these histograms know; none when they have nothing in common, or none is there. */
export function layoutOf(histograms: readonly UpTo[]): Layout | undefined {
  const [first, ...rest] = [...new Set(histograms.filter((upTo) => upTo.size > 0).map(keysOf))].map(parsed);
  const edgesMs = (first ?? []).filter((edge) => rest.every((edges) => edges.includes(edge)));
  const [lowest, highest] = [edgesMs[0], edgesMs.at(-1)];
  if (lowest === undefined || highest === undefined) return undefined;
  const log2Edges = [Math.min(1, Math.log2(lowest) - 1), ...edgesMs.map(Math.log2), Math.log2(highest) + 1];
  return { edgesMs, buckets: { log2Edges } };
}

/** Counts by bucket of the layout; the last bucket holds all that was slower. */
export function inBuckets(upTo: (edge: Ms) => number, { edgesMs }: Layout): readonly number[] {
  const cumulative = [...edgesMs, Number.POSITIVE_INFINITY].map(upTo);
  return cumulative.map((count, b) => Math.max(0, count - (cumulative[b - 1] ?? 0)));
}

/**
 * Edges of an exponential histogram, a factor of 2^(1/2^scale) apart, from 2 ms to 64 s. Finer ones than eight to the
 * octave are read at every so many, so that histograms of differing scale have edges in common.
 */
export function exponentialEdges(
  scale: number,
  unitMs: number,
): readonly { readonly index: number; readonly ms: Ms }[] {
  const coarse = Math.min(scale, 3);
  const low = Math.ceil(Math.log2(2 / unitMs) * 2 ** coarse);
  const high = Math.floor(Math.log2(65_536 / unitMs) * 2 ** coarse);
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => {
    const index = low + i;
    return { index: index * 2 ** (scale - coarse), ms: edge(2 ** (index / 2 ** coarse) * unitMs) };
  });
}

/** One spelling for one edge: 0.3 s and 300 ms are the same. */
export function edge(ms: number): Ms {
  return Number(ms.toPrecision(9));
}

function keysOf(upTo: UpTo): string {
  return [...upTo.keys()]
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
    .join(" ");
}

function parsed(keys: string): readonly Ms[] {
  return keys === "" ? [] : keys.split(" ").map(Number);
}
