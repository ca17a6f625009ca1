// From log increments to evidence: weighted averages of e-values, over bets and over the time at which a bet began.

/** ln Σ exp(a), without ever forming exp of a large number. */
export function logSumExp(a: readonly number[]): number {
  const top = Math.max(...a);
  if (top === Number.NEGATIVE_INFINITY) return top;
  let sum = 0;
  for (const value of a) sum += Math.exp(value - top);
  return top + Math.log(sum);
}

export function logMeanExp(a: readonly number[]): number {
  return logSumExp(a) - Math.log(a.length);
}

/** Sums at the moment a start came; null while it is still to come. */
export type Base = readonly number[] | null;

/**
 * ln(w_s · mean_j exp(now_j − base_sj)) for each start s. Money whose start is still to come has not been bet: it counts
 * w_s · 1. A start lets a late fault be found without repaying the evidence lost before it (Shin, Ramdas & Rinaldo 2024).
 */
export function startTerms(now: readonly number[], bases: readonly Base[], startWeights: readonly number[]): number[] {
  return startWeights.map((weight, s) => {
    const base = bases[s];
    return Math.log(weight) + (base ? logMeanExp(now.map((sum, j) => sum - (base[j] ?? 0))) : 0);
  });
}

export function startWeights(starts: number, firstStart: number): number[] {
  if (starts === 1) return [1];
  return Array.from({ length: starts }, (_, s) => (s === 0 ? firstStart : (1 - firstStart) / (starts - 1)));
}

/**
 * The outage stream: a start in every interval t = 0 … T − 1 with 1/T of the money each, R_t = (R_{t−1} + 1/T)·exp(d_t).
 * Takes and returns ln R; null before the first interval.
 */
export function everyStart(logR: number | null, increment: number, t: number, T: number): number {
  const fresh = t < T ? -Math.log(T) : Number.NEGATIVE_INFINITY;
  return (logR === null ? fresh : logSumExp([logR, fresh])) + increment;
}

/** ln of R_t and the money not yet bet after interval t. */
export function everyStartEvidence(logR: number, t: number, T: number): number {
  const unspent = (T - 1 - t) / T;
  return unspent > 0 ? logSumExp([logR, Math.log(unspent)]) : logR;
}
