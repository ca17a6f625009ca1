// What clumped events are worth: the divisor at which a bet on single events stays fair when they come in clumps.
import type { Events } from "./rate.ts";

/**
 * Dividing ln e by φ, the clumping, is right for small bets only: a bet that wins ln e = a on an event wins s·a on a clump of
 * s, and exp(s·a/φ) has a long tail. Taking clump sizes as geometric with the φ that was measured (E s²/E s = φ, so each
 * clump ends with chance q = 2/(φ + 1)), this is the smallest ψ ≥ φ at which one clump is a fair bet,
 *   θ·M(a/ψ) + (1 − θ)·M(−D/ψ) ≤ 1,  M(x) = E e^{s·x} = q·eˣ / (1 − (1 − q)·eˣ),
 * where the clump falls on the candidate with chance θ = p·r0 / (1 − p + p·r0), the edge of the null. A product over clumps,
 * however many, is then an e-value for such clumps.
 */
export function temper(clumping: number, events: Events, bet: { r: number; r0: number }): number {
  const n = events.candidateRequests;
  const m = events.stableRequests;
  if (clumping <= 1 || n <= 0 || m <= 0) return 1;
  const p = n / (n + m);
  const D = Math.log((1 - p + p * bet.r) / (1 - p + p * bet.r0));
  const a = Math.log(bet.r / bet.r0) - D;
  const theta = (p * bet.r0) / (1 - p + p * bet.r0);
  const q = 2 / (clumping + 1);
  const isFair = (psi: number) => theta * clump(a / psi, q) + (1 - theta) * clump(-D / psi, q) <= 1;
  let low = clumping;
  if (isFair(low)) return low;
  let high = 2 * low;
  while (!isFair(high)) high *= 2;
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    if (isFair(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** M(x): the moment generating function of a geometric clump size, ∞ where it diverges. */
function clump(x: number, q: number): number {
  const continues = (1 - q) * Math.exp(x);
  return continues < 1 ? (q * Math.exp(x)) / (1 - continues) : Number.POSITIVE_INFINITY;
}
