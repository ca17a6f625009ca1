// Log e-values for events among requests. An e-value has expectation at most 1 while the null hypothesis holds, so its
// product over intervals exceeds 100 at any time with chance at most 1 % (Ville 1939). All logarithms are natural.

/** Events (errors, slow requests) and requests of both sides of one block. */
export interface Events {
  readonly candidate: number;
  readonly stable: number;
  readonly candidateRequests: number;
  readonly stableRequests: number;
}

/**
 * Null: the candidate's rate is at most `r0` times stable's. Bet: it is `r` times. Given k + l events, on which side did
 * they fall? ln of Binomial(k + l, θ(r)) over θ(r0) at k, with θ(r) = p·r / (1 − p + p·r) and p the candidate's share of
 * requests; whatever moves both sides together drops out. With r < r0 it bets on health. (Turner, Ly & Grünwald 2024;
 * Lindon & Malek 2022.)
 */
export function logRate(events: Events, r: number, r0: number): number {
  const { candidate: k, stable: l, candidateRequests: n, stableRequests: m } = events;
  if (n <= 0 || m <= 0) return 0;
  const p = n / (n + m);
  const D = Math.log((1 - p + p * r) / (1 - p + p * r0));
  return k * (Math.log(r / r0) - D) - l * D;
}

/** Null: the candidate's rate is at most `q0`. Bet: it is `q`. Bernoulli likelihood ratio of k events in n requests, candidate alone. */
export function logAbsolute(k: number, n: number, q: number, q0: number): number {
  return k * Math.log(q / q0) + (n - k) * Math.log((1 - q) / (1 - q0));
}
