// Events that come in bunches (retries, pauses) carry less evidence than as many single ones: by how much?
import { total } from "./counts.ts";

/** Pulls the estimate towards 1 while few events were seen. */
const prior = 10;
/** The highest pairs are the edges of incidents, not clumps. */
const keptShare = 0.97;

/**
 * φ ≥ 1 by which a log e-value of such events is divided. Neighbouring intervals of Poisson counts satisfy
 * E (x' − x)² = E (x' + x) however the rate drifts; clumps give more. One standard error is taken off before use.
 */
export function clumping(eventsPerInterval: readonly number[]): number {
  const pairs = neighbours(eventsPerInterval);
  const edge = quantile(
    pairs.map((pair) => pair.square),
    keptShare,
  );
  const kept = pairs.filter((pair) => pair.square <= edge);
  const squares = total(kept.map((pair) => pair.square));
  const sums = total(kept.map((pair) => pair.sum));
  const informative = kept.filter((pair) => pair.sum > 0).length;
  const ratio = (squares + prior) / (sums + prior);
  return Math.max(1, ratio * (1 - Math.sqrt(1.5 / Math.max(informative, 1.5))));
}

function neighbours(values: readonly number[]): { square: number; sum: number }[] {
  return values.slice(1).map((next, i) => {
    const before = values[i] ?? 0;
    return { square: (next - before) ** 2, sum: next + before };
  });
}

/** Linear interpolation between order statistics; 0 of nothing. */
function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
