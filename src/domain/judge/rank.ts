// The log e-values of two whole latency distributions: a tilted Mann-Whitney count, exactly normalised.
import { total } from "./counts.ts";

/**
 * For each tilt `x`. Null: the candidate is not slower (`x` > 0), or not faster (`x` < 0), than stable. Bet: it is, by `x`,
 * |x| ≤ 4. Of all pairs of one request a side, W are in the direction of the bet; e = exp(|x|·W/N) over its expectation when
 * the N requests are exchangeable. (Mann & Whitney 1947; the generating function is the Gaussian binomial coefficient, MacMahon.)
 */
export function logRanks(candidate: readonly number[], stable: readonly number[], tilts: readonly number[]): number[] {
  const n = total(candidate);
  const m = total(stable);
  if (n <= 0 || m <= 0) return tilts.map(() => 0);
  const slower = pairsSlower(candidate, stable);
  return tilts.map((x) => {
    const W = x > 0 ? slower : n * m - slower;
    return (Math.abs(x) / (n + m)) * W - logNormaliser(Math.abs(x), n, m);
  });
}

/** U: pairs in which the candidate's request is the slower one; a tie (same bucket) counts one half. */
export function pairsSlower(candidate: readonly number[], stable: readonly number[]): number {
  let below = 0;
  let pairs = 0;
  const buckets = Math.max(candidate.length, stable.length);
  for (let b = 0; b < buckets; b++) {
    const here = stable[b] ?? 0;
    pairs += (candidate[b] ?? 0) * (below + here / 2);
    below += here;
  }
  return pairs;
}

/**
 * ln E exp(x·U/N) for n and m exchangeable values without ties, N = n + m, x > 0: F(N) − F(m) − F(n) with
 * F(j) = Σ_{i=1..j} φ(x·i/N), φ(z) = ln((eᶻ − 1)/z). Ties only lower it (Jensen), so it stays an upper bound.
 * Counts may be fractions; the sum is taken by Euler-Maclaurin (error below 1e-5).
 */
export function logNormaliser(x: number, n: number, m: number): number {
  const a = x / (n + m);
  return sumOfPhi(a, n + m) - sumOfPhi(a, m) - sumOfPhi(a, n);
}

/** F(j) ≈ Φ(z)/a + φ(z)/2 + (a/12)·(φ'(z) − 1/2) at z = a·j. */
function sumOfPhi(a: number, j: number): number {
  const z = a * j;
  const slope = z > 1e-6 ? 1 / -Math.expm1(-z) - 1 / z : 0.5;
  return integralOfPhi(z) / a + phi(z) / 2 + (a / 12) * (slope - 0.5);
}

function phi(z: number): number {
  return z < 1e-6 ? z / 2 : Math.log(Math.expm1(z) / z);
}

/**
 * Φ(z) = ∫₀ᶻ φ, for z ≤ 4 to 1e-12. φ(z) = z/2 + ln(sinh(z/2) / (z/2)), and Euler's product for the sine gives
 * ln(sinh(z/2) / (z/2)) = Σ_k ln(1 + (z/2πk)²) = Σ_n (−1)ⁿ⁺¹ ζ(2n)/n · (z/2π)²ⁿ, which is integrated term by term.
 */
function integralOfPhi(z: number): number {
  const square = (z / (2 * Math.PI)) ** 2;
  let power = -z;
  let sum = (z * z) / 4;
  for (const coefficient of integralCoefficients) {
    power *= -square;
    sum += coefficient * power;
  }
  return sum;
}

/** ζ(2n) / (n·(2n + 1)), n = 1 … 28. */
const integralCoefficients = Array.from({ length: 28 }, (_, i) => zeta(2 * i + 2) / ((i + 1) * (2 * i + 3)));

/** Riemann's zeta at s ≥ 2: 12 terms, and Euler-Maclaurin for the rest. */
function zeta(s: number): number {
  const N = 12;
  let sum = N ** (1 - s) / (s - 1) + N ** -s / 2 + (s * N ** (-s - 1)) / 12;
  sum -= (s * (s + 1) * (s + 2) * N ** (-s - 3)) / 720;
  sum += (s * (s + 1) * (s + 2) * (s + 3) * (s + 4) * N ** (-s - 5)) / 30240;
  for (let k = 1; k < N; k++) sum += k ** -s;
  return sum;
}
