// Latencies in buckets that grow by a twentieth, so that a quantile of millions is read at once, within 5 %.
export type Quantiles = Readonly<{ p50Ms: number; p95Ms: number; p99Ms: number; maxMs: number }>;

const growth = 1.05;
const leastMs = 0.1;

export function createLatencies() {
  const counts: number[] = [];
  let total = 0;
  let maxMs = 0;

  /** The upper bound of the bucket in which the quantile lies. */
  function quantile(share: number): number {
    const wanted = Math.ceil(total * share);
    let seen = 0;
    for (const [bucket, count] of counts.entries()) {
      seen += count ?? 0;
      if (seen >= wanted) return Math.min(leastMs * growth ** bucket, maxMs);
    }
    return maxMs;
  }

  return {
    add(ms: number): void {
      const bucket = Math.max(0, Math.ceil(Math.log(ms / leastMs) / Math.log(growth)));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      total += 1;
      maxMs = Math.max(maxMs, ms);
    },
    quantiles(): Quantiles {
      const rounded = (ms: number) => Math.round(ms * 10) / 10;
      return {
        p50Ms: rounded(quantile(0.5)),
        p95Ms: rounded(quantile(0.95)),
        p99Ms: rounded(quantile(0.99)),
        maxMs: rounded(maxMs),
      };
    },
  };
}
