// Whole canaries, interval by interval, against ln E of an independent NumPy implementation (test/fixtures/judge).
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Counts, Interval } from "../evidence.ts";
import { nativeBuckets } from "../evidence.ts";
import { begin, observe } from "./observe.ts";
import { page } from "./parameters.ts";
import { verdict } from "./verdict.ts";

/** [requests, errors, [bucket, count, bucket, count, …]], each by route. */
type Tick = [number[], number[], number[][]];
interface Recording {
  podLogSd: number;
  history: Tick[];
  stable: Tick[];
  candidate: Tick[];
  logE: number[];
}

test.each([
  ["aa-low", "watching"],
  ["low-err-1-20", "fail"],
  ["outage", "fail"],
])("canary %s: ln E at every interval as computed elsewhere, and in the end %s", (name, judgement) => {
  const recording = recorded(name);
  let state = begin({
    history: { intervals: recording.history.map(counts), podLogSd: recording.podLogSd },
    strata: [0, 1, 2, 3].map(route),
    buckets: nativeBuckets,
    parameters: page,
  });
  for (const [t, interval] of intervals(recording).entries()) {
    state = observe(state, interval);
    const expected = recording.logE[t] ?? Number.NaN;
    // The other implementation keeps histograms in single precision.
    expect(Math.abs(state.logE - expected)).toBeLessThanOrEqual(0.001 + 0.001 * Math.abs(expected));
  }
  expect(verdict(state)).toBe(judgement);
});

function recorded(name: string): Recording {
  const file = new URL(`../../../test/fixtures/judge/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}

function intervals({ stable, candidate }: Recording): Interval[] {
  return stable.map((tick, t) => ({
    startMs: 5000 * t,
    endMs: 5000 * (t + 1),
    stable: counts(tick),
    candidate: counts(candidate[t] ?? [[], [], []]),
  }));
}

function counts([requests, errors, latency]: Tick): Record<string, Counts> {
  return Object.fromEntries(
    requests.map((n, r) => [route(r), { requests: n, errors: errors[r] ?? 0, latency: dense(latency[r] ?? []) }]),
  );
}

function dense(pairs: readonly number[]): number[] {
  const latency = new Array((pairs.at(-2) ?? -1) + 1).fill(0);
  for (let i = 0; i < pairs.length; i += 2) latency[pairs[i] ?? 0] = pairs[i + 1];
  return latency;
}

function route(r: number): string {
  return `route ${r}`;
}
