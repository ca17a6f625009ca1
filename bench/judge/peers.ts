// The field, re-implemented from published behaviour: Kayenta's NetflixACAJudge, Flagger, Argo Rollouts.
// Each maps a canary to the second at which it rolls back; null: never within the bake.
import type { Counts } from "../../src/domain/evidence.ts";
import { nativeBuckets } from "../../src/domain/evidence.ts";
import { latencyMs } from "../../src/domain/judge/comparison.ts";
import { nothing, plus } from "../../src/domain/judge/counts.ts";
import { random } from "./random.ts";
import type { Scenario } from "./scenarios.ts";
import { type Canary, tickS } from "./simulator.ts";

export type Peer = (canary: Canary, scenario: Scenario) => number | null;

/** Flagger: each minute's errors and p99 against thresholds; failed checks add up, never reset; acts one interval after the fifth. */
export const flagger: Peer = (canary, scenario) => {
  const checks = perMinute(candidateTicks(canary)).map((minute) => isBadCheck(minute, scenario, true));
  const nth = nthTrue(checks, 5);
  return nth !== null && nth + 2 <= checks.length ? 60 * (nth + 2) : null;
};

/** Argo Rollouts: a 2-minute rate each minute, fails when more than three measurements failed, not in a row. */
export const argo: Peer = (canary, scenario) => {
  const minutes = perMinute(candidateTicks(canary));
  const checks = minutes.map((minute, i) => isBadCheck(plus(minutes[i - 1] ?? nothing, minute), scenario, false));
  const nth = nthTrue(checks, 4);
  return nth === null ? null : 60 * (nth + 1);
};

/**
 * Kayenta on one point a minute, after a third, two thirds and all of the bake: errors, p50 and p99 against a fresh baseline.
 * Fewer than ten points are looked at only at the end.
 */
export const kayenta: Peer = (canary) => {
  const ours = perMinute(candidateTicks(canary));
  const theirs = perMinute(canary.baseline);
  const looks = [1, 2, 3]
    .map((third) => Math.round((third * ours.length) / 3))
    .filter((look) => look >= 10 || look === ours.length);
  for (const [i, look] of looks.entries()) {
    const score = kayentaScore(ours.slice(0, look), theirs.slice(0, look));
    if (score <= 75 || (i === looks.length - 1 && score < 95)) return 60 * look;
  }
  return null;
};

type Label = "Pass" | "High" | "Nodata" | "Error";

function kayentaScore(ours: readonly Counts[], theirs: readonly Counts[]): number {
  const rate = ({ errors, requests }: Counts) => (requests > 0 ? (100 * errors) / requests : 0);
  const p = (q: number) => (counts: Counts) => latencyMs(counts.latency, q, nativeBuckets);
  const present = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  const errors = [classify(ours.map(rate), theirs.map(rate), false)];
  const latency = [0.5, 0.99].map((q) => classify(present(ours.map(p(q))), present(theirs.map(p(q))), true));
  const groups = [errors, latency];
  const labels = groups.flat();
  if (labels.filter((label) => label === "Nodata").length / labels.length >= 0.5) return 0;
  return groups.reduce((score, group) => score + groupScore(group) / groups.length, 0);
}

function groupScore(labels: readonly Label[]): number {
  const judged = labels.filter((label) => label === "Pass" || label === "High");
  if (judged.length === 0) return 100;
  return (100 * judged.filter((label) => label === "Pass").length) / judged.length;
}

/** Direction "increase", effect size: the mean ratio at least 1, confidence 0.98. */
function classify(x: readonly number[], y: readonly number[], isNodataWhenEmpty: boolean): Label {
  if (x.length === 0 || y.length === 0) return isNodataWhenEmpty ? "Nodata" : "Pass";
  const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b).join();
  if (ascending(x) === ascending(y)) return "Pass";
  const [a, b] = isConstant(x) && isConstant(y) ? [jittered(x, "x"), jittered(y, "y")] : [x, y];
  const interval = mannWhitney(a, b);
  if (interval === null) return "Error";
  const [mx, my] = [mean(a), mean(b)];
  const isHigher = mx === 0 || my === 0 || mx / my >= 1;
  return interval.lower > 0.25 * Math.abs(interval.estimate) && isHigher ? "High" : "Pass";
}

/** Location-shift confidence interval and estimate of x − y as kayenta-mannwhitney computes them; null when all are tied. */
export function mannWhitney(x: readonly number[], y: readonly number[]) {
  const z98 = 2.3263478740408408;
  const [n, m] = [x.length, y.length];
  const differences = x.flatMap((a) => y.map((b) => a - b)).sort((a, b) => b - a);
  const ties = tieSum(x) + tieSum(y);
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)));
  if (!(variance > 0)) return null;
  const at = (i: number) => differences[Math.min(Math.max(i, 0), n * m - 1)] ?? 0;
  const root = (z: number) => at(Math.floor((n * m) / 2 + Math.sign(z) * 0.5 + z * Math.sqrt(variance)));
  const middle = (at(Math.floor((n * m - 1) / 2)) + at(Math.ceil((n * m - 1) / 2))) / 2;
  return { lower: root(z98), upper: root(-z98), estimate: middle };
}

function tieSum(values: readonly number[]): number {
  const times = new Map<number, number>();
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
  return [...times.values()].reduce((sum, c) => sum + c ** 3 - c, 0);
}

/** A careful operator: success at least 99 % (or twice the usual errors), p99 at most 1.3 times the usual. */
function isBadCheck(counts: Counts, scenario: Scenario, isBadWithoutRequests: boolean): boolean {
  if (counts.requests === 0) return isBadWithoutRequests;
  const p99 = latencyMs(counts.latency, 0.99, nativeBuckets);
  const isFailing = counts.errors / counts.requests > Math.max(0.01, 2 * scenario.errorRate);
  return isFailing || (p99 !== null && p99 > 1.3 * usualP99Ms(scenario));
}

const measured = new Map<string, number>();

/** p99 of the healthy service over 200,000 requests: what that operator had measured. */
function usualP99Ms(scenario: Scenario): number {
  const known = measured.get(scenario.name);
  if (known !== undefined) return known;
  const draw = random("operator");
  const sample = Array.from({ length: 200_000 }, () => {
    let lot = draw.uniform();
    const route = scenario.mix.findIndex((share) => {
      lot -= share;
      return lot < 0;
    });
    const heavy = scenario.pareto > 0 && draw.uniform() < scenario.pareto ? draw.exponential() / 1.5 : 0;
    const median = Math.log(scenario.mediansMs[Math.max(route, 0)] ?? 1);
    return median + scenario.sigma * draw.normal() + scenario.driftSd * draw.normal() + heavy;
  });
  const p99 = Math.exp(Float64Array.from(sample).sort()[198_000] ?? 0);
  measured.set(scenario.name, p99);
  return p99;
}

function candidateTicks({ intervals }: Canary): Counts[] {
  return intervals.map(({ candidate }) => Object.values(candidate).reduce(plus, nothing));
}

function perMinute(ticks: readonly Counts[]): Counts[] {
  const size = 60 / tickS;
  return Array.from({ length: Math.floor(ticks.length / size) }, (_, i) =>
    ticks.slice(i * size, (i + 1) * size).reduce(plus, nothing),
  );
}

function nthTrue(checks: readonly boolean[], n: number): number | null {
  let seen = 0;
  const at = checks.findIndex((isBad) => isBad && ++seen === n);
  return at < 0 ? null : at;
}

function isConstant(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}

/** Kayenta adds relative noise of 1e-5 where both sides are constant. */
function jittered(values: readonly number[], seed: string): number[] {
  const draw = random(seed);
  return values.map((value) => value * (1 + 1e-5 * draw.normal()));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
