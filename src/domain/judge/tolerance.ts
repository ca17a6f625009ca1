// How much slower than stable the candidate may be before it counts: pods differ by nature, and stable's pods tell by how much.
import type { Allowance, Parameters } from "./parameters.ts";

/** ρ, a ratio in whole percents: `podSpreads` standard deviations of the difference of two groups of pods. */
export function tolerance(podLogSd: number, p: Parameters, { podSpreads }: Allowance = p): number {
  const sdOfDifference =
    (Number.isFinite(podLogSd) ? podLogSd : 0) * Math.sqrt(1 / p.candidateReplicas + 1 / p.stableReplicas);
  const percents = Math.ceil(100 * Math.exp(podSpreads * sdOfDifference) - 1e-9);
  return Math.min(p.latencyToleranceMax, Math.max(p.latencyToleranceMin, percents / 100));
}
