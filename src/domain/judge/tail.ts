// Which requests are slow: those above a quantile of what stable showed before.

/** The first bucket at which the cumulative count reaches `q` of all; a request is slow in any bucket above it. 0 of nothing. */
export function tailCut(stable: readonly number[], q: number): number {
  let all = 0;
  for (const count of stable) all += count;
  let below = 0;
  let bucket = 0;
  for (const count of stable) {
    below += count;
    if (below >= q * all) return bucket;
    bucket++;
  }
  return bucket;
}

export function slow(latency: readonly number[], cut: number): number {
  let sum = 0;
  for (let b = cut + 1; b < latency.length; b++) sum += latency[b] ?? 0;
  return sum;
}
