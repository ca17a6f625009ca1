// What is built on the judge: the spread between pods, A/A, replay, power, counters.
import { describe, expect, test } from "vitest";
import type { Counts, Interval } from "../evidence.ts";
import { nativeBuckets } from "../evidence.ts";
import { exchangeability } from "./exchangeability.ts";
import { increment } from "./increments.ts";
import { defaults } from "./parameters.ts";
import { foundAfterMs, recommendedSteps, smallestFound, type Traffic } from "./power.ts";
import { replay } from "./replay.ts";
import { podLogSd } from "./spread.ts";
import { tolerance } from "./tolerance.ts";

/** A bell of 1,000 requests around a bucket. */
function bell(center: number, requests = 1000): number[] {
  const weights = Array.from({ length: 240 }, (_, b) => Math.exp(-(((b - center) / 12) ** 2) / 2));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => Math.round((requests * weight) / sum));
}

describe("the spread between pods", () => {
  test("of equal pods is zero", () => {
    expect(podLogSd(Array(9).fill({ "GET /": bell(90) }), nativeBuckets)).toBe(0);
  });

  test("of pods two buckets apart is about their distance, less one standard error", () => {
    // Offsets of ±1 bucket are ±ln 2/16 = ±4.3 %.
    const pods = Array.from({ length: 10 }, (_, j) => ({ "GET /": bell(90 + (j % 2 === 0 ? 1 : -1), 20_000) }));
    const sd = podLogSd(pods, nativeBuckets);
    expect(sd).toBeGreaterThan(0.025);
    expect(sd).toBeLessThan(0.05);
    expect(tolerance(sd, defaults)).toBe(1.08);
    expect(tolerance(sd, defaults, defaults.firm ?? defaults)).toBeGreaterThan(1.1);
  });

  test("of two pods is not known: zero", () => {
    expect(podLogSd([{ a: bell(80) }, { a: bell(100) }], nativeBuckets)).toBe(0);
  });

  test("does not take a route mix for a spread within a route", () => {
    const mixed = Array.from({ length: 9 }, () => ({ fast: bell(50), slow: bell(120) }));
    expect(podLogSd(mixed, nativeBuckets)).toBe(0);
  });
});

function interval(t: number, candidate: Counts): Interval {
  const stable = { requests: 450, errors: 0, latency: bell(90, 50).map((count) => 9 * count) };
  return { startMs: 5000 * t, endMs: 5000 * (t + 1), stable: { "GET /": stable }, candidate: { "GET /": candidate } };
}
const alike: Counts = { requests: 50, errors: 0, latency: bell(90, 50) };
const slow: Counts = { requests: 50, errors: 0, latency: bell(92, 50) };

function recording(candidate: Counts) {
  return {
    beginning: { history: { intervals: [], podLogSd: 0 }, strata: ["GET /"], buckets: nativeBuckets },
    intervals: Array.from({ length: 100 }, (_, t) => interval(t, candidate)),
  };
}

describe("A/A", () => {
  test("two sides alike are exchangeable", () => {
    const found = exchangeability(recording(alike), Array(4).fill({ "GET /": bell(90) }));
    expect(found.isExchangeable).toBe(true);
    expect(found.sentence).toMatchInlineSnapshot(
      `"the two sides are alike: odds 1:1 against chance at most; one side is the faster in 50 % of pairs; replicas differ by 0 %, so up to 3 % slower is tolerated"`,
    );
  });

  test("a side of slower users is told, whichever side it is", () => {
    const found = exchangeability(recording(slow));
    expect(found.isExchangeable).toBe(false);
    expect(found.sentence).toMatchInlineSnapshot(
      `"the two sides differ though both run the same version: odds over 1,000,000:1 against this being chance; one side is the faster in 44 % of pairs; the spread between replicas is not known: at least three must be told apart; do not trust a canary split this way"`,
    );
    const other = recording(slow);
    const turned = other.intervals.map(({ stable, candidate, ...time }) => ({
      ...time,
      stable: candidate,
      candidate: stable,
    }));
    expect(exchangeability({ ...other, intervals: turned }).isExchangeable).toBe(false);
  });
});

describe("replay", () => {
  test("is bit-identical", () => {
    const [one, two] = [replay(recording(slow)), replay(recording(slow))];
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
    expect(one.failedAtMs).not.toBeNull();
  });

  test("with a smaller alpha finds later", () => {
    const strict = recording(slow);
    const later = replay({ ...strict, beginning: { ...strict.beginning, parameters: { alpha: 1e-4 } } });
    expect(later.failedAtMs ?? 0).toBeGreaterThan(replay(recording(slow)).failedAtMs ?? 0);
  });

  test("holds before it fails", () => {
    const { heldAtMs, failedAtMs } = replay(recording(slow));
    expect(heldAtMs ?? Number.NaN).toBeLessThanOrEqual(failedAtMs ?? 0);
  });
});

describe("power", () => {
  // 50 requests a second, 0.1 % errors, five minutes.
  const traffic: Traffic = {
    strata: { "GET /": { requests: 15_000, errors: 15, latency: bell(90, 14_985) } },
    lastedMs: 300_000,
    buckets: nativeBuckets,
    podLogSd: 0,
  };
  const question = { traffic, share: 0.1, withinMs: 1_800_000 };

  test("agrees with the simulated medians of docs/judge.md", () => {
    // err-0.1-0.5: 455 s of 500 simulated canaries; lat-50: 80 s; an outage: 10 s.
    expect(foundAfterMs({ kind: "errors", rate: 0.005 }, question)).toBeGreaterThan(300_000);
    expect(foundAfterMs({ kind: "errors", rate: 0.005 }, question)).toBeLessThan(650_000);
    expect(foundAfterMs({ kind: "latency", ratio: 1.5 }, question)).toBeLessThan(110_000);
    expect(foundAfterMs({ kind: "errors", rate: 1 }, question)).toBe(10_000);
  });

  test("a healthy version is not found", () => {
    expect(foundAfterMs({ kind: "errors", rate: 0.001 }, question)).toBeNull();
    expect(foundAfterMs({ kind: "latency", ratio: 1.001 }, question)).toBeNull();
  });

  test("more time finds smaller faults", () => {
    const [short, long] = [120_000, 1_200_000].map((withinMs) => smallestFound({ ...question, withinMs }));
    expect(long?.errorRate ?? 1).toBeLessThan(short?.errorRate ?? 0);
    expect(long?.slowdown ?? 16).toBeLessThan(short?.slowdown ?? 0);
  });

  test("steps grow, and little traffic starts at a larger share", () => {
    const shares = recommendedSteps({ traffic, withinMs: 1_800_000 }).map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    const little = { ...traffic, lastedMs: 60 * traffic.lastedMs };
    const first = recommendedSteps({ traffic: little, withinMs: 1_800_000 })[0]?.share ?? 1;
    expect(first).toBeGreaterThan(shares[0] ?? 1);
    const soon = recommendedSteps({ traffic, withinMs: 120_000 })[0]?.share ?? 1;
    expect(soon).toBeGreaterThan(shares[0] ?? 1);
  });
});

describe("counters", () => {
  const before: Counts = { requests: 10, errors: 1, latency: [4, 5] };

  test("are differenced", () => {
    const after = { requests: 15, errors: 1, latency: [6, 8] };
    expect(increment(before, after)).toEqual({ requests: 5, errors: 0, latency: [2, 3] });
  });

  test("that fell mean a restart: the new values count", () => {
    const after = { requests: 12, errors: 0, latency: [6, 6] };
    expect(increment(before, after)).toEqual(after);
  });
});
