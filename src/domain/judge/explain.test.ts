// What a person reads, for each verdict: reviewed as prose.
import { expect, test } from "vitest";
import type { Counts, Gap, Interval } from "../evidence.ts";
import { nativeBuckets } from "../evidence.ts";
import { explain } from "./explain.ts";
import { begin, observe } from "./observe.ts";
import type { JudgeState } from "./state.ts";
import * as say from "./wording.ts";

const over = { isOver: true };

test("fail, errors of one route", () => {
  const state = canary(60, (t) => ({ errors: t % 2, slower: 0 }));
  const { judgement, sentence, leading, odds } = explain(state);
  expect(judgement).toBe("fail");
  expect(sentence).toMatchInlineSnapshot(
    `"errors: 1 % against 0.0074 % on stable, most on POST /orders: 5 % against 0.037 %; odds over 1,000,000:1 against this being chance"`,
  );
  expect(leading?.comparison.candidate.errors).toBe(30);
  expect(odds).toMatchInlineSnapshot(`"over 1,000,000:1"`);
});

test("fail, latency", () => {
  expect(explain(canary(40, () => ({ errors: 0, slower: 10 }))).sentence).toMatchInlineSnapshot(
    `"slower: median 206 ms against 152 ms on stable; a random request of the new version beats the old one in 6.4 % of pairs; odds over 1,000,000:1 against this being chance"`,
  );
});

test("fail, the tail alone", () => {
  expect(explain(canary(120, () => ({ errors: 0, slower: 0, slow: 2 }))).sentence).toMatchInlineSnapshot(
    `"p99 3.3 s against 189 ms on stable; odds over 1,000,000:1 against this being chance"`,
  );
});

test("fail, more of the slow requests that stable has too", () => {
  const state = canary(400, (t) => ({ errors: 0, slower: 0, slow: t % 4 === 0 ? 1 : 0 }));
  expect(explain(state).sentence).toMatchInlineSnapshot(
    `"requests over 189 ms: 0.5 % against 0.11 % on stable; odds over 1,000,000:1 against this being chance"`,
  );
});

test("fail, a fault that began late names the time since", () => {
  const state = canary(240, (t) => ({ errors: t < 190 ? 0 : 2, slower: 0 }));
  expect(explain(state).sentence).toMatchInlineSnapshot(
    `"errors: 2.1 % against 0.0069 % on stable, most on POST /orders: 10 % against 0.035 %, in the last 8 min; odds over 1,000,000:1 against this being chance"`,
  );
});

test("watching", () => {
  expect(explain(canary(30, () => ({ errors: 0, slower: 0 }))).sentence).toMatchInlineSnapshot(
    `"nothing shown yet: 1,500 requests of the new version compared with 13,500, errors 0 % against 0.0074 %, p99 189 ms against 189 ms"`,
  );
});

test("pass, no harm seen", () => {
  expect(
    explain(
      canary(30, () => ({ errors: 0, slower: 0 })),
      over,
    ).sentence,
  ).toMatchInlineSnapshot(
    `"no harm seen: 1,500 requests of the new version compared with 13,500, errors 0 % against 0.0074 %, p99 189 ms against 189 ms"`,
  );
});

test("pass, shown healthy", () => {
  const { judgement, sentence } = explain(canary(200, () => ({ errors: 0, slower: 0 })));
  expect(judgement).toBe("pass");
  expect(sentence).toMatchInlineSnapshot(
    `"shown healthy: errors within 2x or under 0.3 %, latency within the margin, slow requests within 2.5x; 10,000 requests of the new version compared with 90,000, errors 0 % against 0.0078 %, p99 189 ms against 189 ms"`,
  );
});

test("inconclusive, too few requests", () => {
  expect(
    explain(
      canary(8, () => ({ errors: 0, slower: 0 })),
      over,
    ).sentence,
  ).toMatchInlineSnapshot(
    `"too few requests: the new version had 400 in 40 s; 100 more are needed to say that no harm is seen"`,
  );
});

test("inconclusive, proof required", () => {
  const state = canary(16, () => ({ errors: 0, slower: 0 }));
  const strict = { ...state, parameters: { ...state.parameters, requireProof: true } };
  expect(explain(strict, over).sentence).toMatchInlineSnapshot(
    `"health is not shown: the new version had 800 in 80 s; about 7,900 more at this rate would show it"`,
  );
});

test("errored, in the source's own words", () => {
  const gaps = Array.from({ length: 9 }, (_, t) => ({
    startMs: 5000 * t,
    endMs: 5000 * (t + 1),
    missing: "Prometheus answered 422: too many samples",
  }));
  expect(explain(fold(started(), gaps)).sentence).toMatchInlineSnapshot(
    `"no usable interval for 45 s: Prometheus answered 422: too many samples"`,
  );
});

test("the table has every stream of every stratum, and weights that sum to one", () => {
  const { parts } = explain(canary(30, () => ({ errors: 0, slower: 0 })));
  expect(parts.map(({ stream, stratum }) => `${stream} ${stratum ?? "all"}`)).toMatchInlineSnapshot(`
    [
      "err all",
      "err GET /",
      "err POST /orders",
      "rank all",
      "rank GET /",
      "rank POST /orders",
      "tail all",
      "tail GET /",
      "tail POST /orders",
      "warm all",
      "crash all",
    ]
  `);
  expect(parts.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
});

test("numbers as people read them", () => {
  expect([0.0213, 0.0004, 0.5, 1, 0].map(say.percent)).toEqual(["2.1 %", "0.04 %", "50 %", "100 %", "0 %"]);
  expect([839.6, 3.14, 1234].map(say.latency)).toEqual(["840 ms", "3.1 ms", "1.2 s"]);
  expect([45_000, 1_800_000, 12_000_000].map(say.span)).toEqual(["45 s", "30 min", "3 h 20 min"]);
  expect([Math.log(3141), 20, -1].map(say.odds)).toEqual(["3,000:1", "over 1,000,000:1", "under 1:1"]);
});

interface Harm {
  readonly errors: number;
  /** Buckets by which every request is slower. */
  readonly slower: number;
  /** Requests of GET / among the slowest. */
  readonly slow?: number;
}

/** 5-second intervals of two routes; 50 candidate requests and 450 of stable in each. */
function canary(intervals: number, harm: (t: number) => Harm): JudgeState {
  return fold(
    started(),
    Array.from({ length: intervals }, (_, t): Interval => {
      const { errors, slower, slow = 0 } = harm(t);
      return {
        startMs: 5000 * t,
        endMs: 5000 * (t + 1),
        stable: { "GET /": side(360, 0, 0, t % 2 === 0 ? 1 : 0), "POST /orders": side(90, t % 30 === 0 ? 1 : 0, 0, 0) },
        candidate: { "GET /": side(40, 0, slower, slow), "POST /orders": side(10, errors, slower, 0) },
      };
    }),
  );
}

function started(): JudgeState {
  return begin({
    history: { intervals: [], podLogSd: 0 },
    strata: ["GET /", "POST /orders"],
    buckets: nativeBuckets,
  });
}

function fold(state: JudgeState, all: readonly (Interval | Gap)[]): JudgeState {
  return all.reduce(observe, state);
}

/** Successes over four buckets around 120 ms, some at 3 s. */
function side(requests: number, errors: number, slower: number, slow: number): Counts {
  const successes = requests - errors - slow;
  const latency: number[] = new Array(180).fill(0);
  for (let i = 0; i < 4; i++) latency[92 + 4 * i + slower] = successes / 4;
  latency[170] = slow;
  return { requests, errors, latency };
}
