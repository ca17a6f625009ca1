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

/** Requests and errors of a whole service. */
export function service(strata: Readonly<Record<string, Counts>>): { requests: number; errors: number } {
  const sum = { requests: 0, errors: 0 };
  for (const { requests, errors } of Object.values(strata)) {
    sum.requests += requests;
    sum.errors += errors;
  }
  return sum;
}
