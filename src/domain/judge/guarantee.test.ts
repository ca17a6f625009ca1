// The promise itself, simulated: under exact A/A, with every margin set to none, evidence has mean at most 1 and seldom gets large.
import { describe, expect, test } from "vitest";
import type { Counts, Interval } from "../evidence.ts";
import { begin, observe } from "./observe.ts";
import { defaults, type Parameters } from "./parameters.ts";

/** No margin: the null hypothesis is "exactly alike", where an e-value is closest to breaking its promise. */
const exact: Partial<Parameters> = {
  alpha: 0.1,
  errorRatioMax: 1,
  latencyToleranceMin: 1,
  warmUp: { ...defaults.warmUp, ms: 0, requests: 0 },
  plannedMs: 240_000,
};
const canaries = 400;
const seconds = 240;

interface Request {
  readonly second: number;
  readonly isCandidate: boolean;
  readonly stratum: string;
  /** null: an error. */
  readonly bucket: number | null;
}

const traffic = Array.from({ length: canaries }, (_, i) => requests(random(i + 1)));

describe.each([1, 5, 15])("exact A/A judged every %i s", (intervalS) => {
  const runs = traffic.map((all) => judge(all, intervalS));

  test("evidence at the end has mean at most 1", () => {
    const final = runs.map((logEs) => Math.exp(logEs.at(-1) ?? 0));
    const mean = average(final);
    const standardError = Math.sqrt(average(final.map((E) => (E - mean) ** 2)) / canaries);
    expect(mean - 3 * standardError).toBeLessThanOrEqual(1);
    // And it is a bet, not a constant: some canaries win, most lose.
    expect(Math.max(...final)).toBeGreaterThan(1);
    expect(mean).toBeGreaterThan(0.02);
  });

  test("no more good releases reach 1/alpha than alpha, however finely time is split", () => {
    const alarms = runs.filter((logEs) => logEs.some((logE) => logE >= Math.log(10))).length;
    const chance = 3 * Math.sqrt(0.1 * 0.9 * canaries);
    expect(alarms).toBeLessThanOrEqual(0.1 * canaries + chance);
  });
});

test("the same simulation notices a judge that breaks its promise", () => {
  // Evidence against half of stable's error rate: under A/A this is not a null hypothesis, so it must grow.
  const wrong = traffic.slice(0, 100).map((all) => judge(all, 5, { errorRatioMax: 0.3, errorRateMax: 1e-4 }));
  const alarms = wrong.filter((logEs) => logEs.some((logE) => logE >= Math.log(10))).length;
  expect(alarms).toBeGreaterThan(50);
});

function judge(all: readonly Request[], intervalS: number, change: Partial<Parameters> = {}): number[] {
  let state = begin({
    history: { intervals: [], podLogSd: 0 },
    strata: ["a", "b"],
    buckets: { log2Edges: [1, 2, 3, 4, 5, 6, 7] },
    parameters: { ...exact, intervalMs: 1000 * intervalS, ...change },
  });
  return intervals(all, intervalS).map((interval) => {
    state = observe(state, interval);
    return state.logE;
  });
}

/** 20 requests a second, a fifth of them on the candidate; two routes; 5 % errors; six latency buckets. */
function requests(uniform: () => number): Request[] {
  return Array.from({ length: 20 * seconds }, (_, i) => ({
    second: Math.floor(i / 20),
    isCandidate: uniform() < 0.2,
    stratum: uniform() < 0.7 ? "a" : "b",
    bucket: uniform() < 0.05 ? null : Math.floor(6 * uniform() * uniform()),
  }));
}

function intervals(all: readonly Request[], intervalS: number): Interval[] {
  const result = Array.from({ length: seconds / intervalS }, (_, t) => ({
    startMs: 1000 * intervalS * t,
    endMs: 1000 * intervalS * (t + 1),
    stable: none(),
    candidate: none(),
  }));
  for (const { second, isCandidate, stratum, bucket } of all) {
    const interval = result[Math.floor(second / intervalS)];
    const counts = interval?.[isCandidate ? "candidate" : "stable"][stratum];
    if (counts === undefined) continue;
    counts.requests++;
    if (bucket === null) counts.errors++;
    else counts.latency[bucket] = (counts.latency[bucket] ?? 0) + 1;
  }
  return result;
}

function none(): Record<string, Counts & { requests: number; errors: number; latency: number[] }> {
  return Object.fromEntries(
    ["a", "b"].map((name) => [name, { requests: 0, errors: 0, latency: new Array(6).fill(0) }]),
  );
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mulberry32: the same numbers in every run. */
function random(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
