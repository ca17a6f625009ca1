// Arithmetic on counts: they add up over intervals, strata and replicas, and nothing here divides.
import type { Counts } from "../evidence.ts";

export const nothing: Counts = { requests: 0, errors: 0, latency: [] };

export function plus(a: Counts, b: Counts): Counts {
  return {
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    latency: plusEach(a.latency, b.latency),
  };
}

/** Element by element; what one of them lacks at its end counts as zero. */
export function plusEach(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const [longer, shorter] = a.length >= b.length ? [a, b] : [b, a];
  const sum = longer.slice();
  for (let i = 0; i < shorter.length; i++) sum[i] = (sum[i] ?? 0) + (shorter[i] ?? 0);
  return sum;
}

export function total(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** Counts of a whole service: its strata added up. */
export function whole(strata: Readonly<Record<string, Counts>>): Counts {
  return Object.values(strata).reduce(plus, nothing);
}
