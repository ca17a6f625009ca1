// The tolerance on latency: the candidate's histogram as if every one of its requests had been faster by a ratio.
import type { Buckets } from "../evidence.ts";

/**
 * Divides every latency by `ratio` ≥ 1. A bucket's count is spread over the buckets that its moved interval meets, evenly in
 * log latency; what falls below the first edge stays in the first bucket. Counts become fractions: splitting makes a
 * geometric mean of e-values, which is smaller, so the guarantee holds.
 */
export function shift(latency: readonly number[], ratio: number, { log2Edges }: Buckets): number[] {
  const buckets = log2Edges.length - 1;
  const down = Math.log2(ratio);
  const moved: number[] = new Array(buckets).fill(0);
  let first = 0;
  for (let b = 0; b < Math.min(latency.length, buckets); b++) {
    const count = latency[b] ?? 0;
    if (count === 0) continue;
    const low = edge(log2Edges, b) - down;
    const high = edge(log2Edges, b + 1) - down;
    const perOctave = count / (high - low);
    const under = Math.min(high, edge(log2Edges, 0)) - low;
    if (under > 0) moved[0] = (moved[0] ?? 0) + under * perOctave;
    while (first < buckets - 1 && edge(log2Edges, first + 1) <= low) first++;
    for (let a = first; a < buckets && edge(log2Edges, a) < high; a++) {
      const over = Math.min(high, edge(log2Edges, a + 1)) - Math.max(low, edge(log2Edges, a));
      if (over > 0) moved[a] = (moved[a] ?? 0) + over * perOctave;
    }
  }
  return moved;
}

function edge(log2Edges: readonly number[], i: number): number {
  return log2Edges[i] ?? Number.POSITIVE_INFINITY;
}
