// What must be true of the judge whatever the traffic: order and layout do not matter, good releases stay, bad input decides nothing.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Counts, Gap, Interval } from "../evidence.ts";
import { explain } from "./explain.ts";
import { begin, nextStep, observe } from "./observe.ts";
import type { JudgeState } from "./state.ts";
import { verdict } from "./verdict.ts";

const log2Edges = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const strata = ["GET /", "POST /orders"];

/** Latencies avoid the two lowest buckets, below which a shift would have nowhere to go. */
const counts = fc
  .record({ errors: fc.nat(3), latency: fc.array(fc.nat(12), { minLength: 4, maxLength: 4 }) })
  .map(({ errors, latency }): Counts => {
    const successes = latency.reduce((sum, n) => sum + n, 0);
    return { requests: successes + errors, errors, latency: [0, 0, 0, ...latency] };
  });
const traffic = fc.array(fc.record({ stable: fc.tuple(counts, counts), candidate: fc.tuple(counts, counts) }), {
  minLength: 1,
  maxLength: 40,
});
type Traffic = { stable: [Counts, Counts]; candidate: [Counts, Counts] }[];

describe("the order of strata", () => {
  test("does not change one bit of the evidence", () => {
    fc.assert(
      fc.property(traffic, (ticks) => {
        const forward = fold(start({ strata }), intervals(ticks));
        const backward = fold(start({ strata: [...strata].reverse() }), intervals(ticks).map(reversed));
        expect(backward.logE).toBe(forward.logE);
        expect(backward.logHealth).toBe(forward.logHealth);
      }),
      { numRuns: 30 },
    );
  });
});

test("strata that nobody named beforehand are those of the first interval", () => {
  const ticks = intervals(fc.sample(traffic, { numRuns: 1, seed: 7 })[0] ?? []);
  expect(fold(start({ strata: [] }), ticks).logE).toBe(fold(start({ strata }), ticks).logE);
});

describe("the layout of buckets", () => {
  test("empty buckets above and below do not change the evidence", () => {
    fc.assert(
      fc.property(traffic, (ticks) => {
        const narrow = fold(start({ strata }), intervals(ticks));
        const wide = fold(
          start({ strata, log2Edges: [-1, 0, ...log2Edges, 10, 11] }),
          intervals(ticks).map((interval) => mapped(interval, (latency) => [0, 0, ...latency])),
        );
        expect(wide.logE).toBeCloseTo(narrow.logE, 9);
        expect(wide.logHealth).toBeCloseTo(narrow.logHealth, 9);
      }),
      { numRuns: 30 },
    );
  });

  test("trailing zeros may be left out", () => {
    const ticks = fc.sample(traffic, { numRuns: 1, seed: 5 })[0] ?? [];
    const long = intervals(ticks).map((interval) => mapped(interval, (latency) => [...latency, 0]));
    expect(fold(start({ strata }), long).logE).toBe(fold(start({ strata }), intervals(ticks)).logE);
  });
});

test("the state survives JSON bit for bit, in the middle of a canary", () => {
  fc.assert(
    fc.property(traffic, fc.nat(39), (ticks, cut) => {
      const all = intervals(ticks);
      const before = fold(start({ strata }), all.slice(0, cut));
      const revived: JudgeState = JSON.parse(JSON.stringify(before));
      const [on, again] = [before, revived].map((state) => fold(state, all.slice(cut)));
      expect(JSON.stringify(again)).toBe(JSON.stringify(on));
      expect(again?.logE).toBe(on?.logE);
    }),
    { numRuns: 30 },
  );
});

test("one scrape, however bad, does not decide: at least two must agree", () => {
  const good = tick(100, 0);
  const outage = { ...good, candidate: { "GET /": { requests: 400, errors: 400, latency: [] } } };
  const once = fold(start({ strata: ["GET /"] }), timed([...Array(20).fill(good), outage]));
  expect(verdict(once)).not.toBe("fail");
  expect(verdict(fold(once, timed([outage, outage], 21)))).toBe("fail");
});

describe("where stable's replicas differ", () => {
  const fine = Array.from({ length: 65 }, (_, b) => 4 + b / 16);
  const bell = (middle: number, requests: number): Record<string, Counts> => {
    const latency = fine.slice(1).map((_, b) => Math.round((requests / 12) * Math.exp(-(((b - middle) / 6) ** 2))));
    return { "GET /": { requests: latency.reduce((sum, n) => sum + n, 0), errors: 0, latency } };
  };
  /** Ten minutes in which the candidate is slower by so many sixteenths of an octave; replicas differ by 3 %. */
  const slowerBy = (sixteenths: number) => {
    const beginning = { history: { intervals: [], podLogSd: 0.03 }, strata: ["GET /"], buckets: { log2Edges: fine } };
    const sides = { stable: bell(30, 2250), candidate: bell(30 + sixteenths, 250) };
    return fold(begin(beginning), timed(Array(120).fill(sides)));
  };

  test("a candidate as slow as the oddest of them would be is held, not rolled back", () => {
    const state = slowerBy(2); // 9 %
    expect(state.logE).toBeGreaterThan(Math.log(100));
    expect(verdict(state)).toBe("hold");
    expect(explain(state).sentence).toContain("once unequal replicas and clumped errors are allowed for in full");
  });

  test("a candidate slower than that is rolled back", () => {
    expect(verdict(slowerBy(5))).toBe("fail"); // 24 %
  });
});

test("a fail is final, whatever comes after", () => {
  const failed = fold(start({ strata: ["GET /"] }), timed(Array(12).fill(tick(100, 60))));
  expect(verdict(failed)).toBe("fail");
  const later = fold(failed, timed(Array(200).fill(tick(100, 0)), 12));
  expect(verdict(later)).toBe("fail");
});

test("trouble that both sides share is not blamed on the candidate", () => {
  const shared = { stable: side(900, 200), candidate: side(100, 22) };
  const state = fold(start({ strata: ["GET /"] }), timed([...Array(24).fill(tick(100, 0)), ...Array(60).fill(shared)]));
  expect(verdict(state)).not.toBe("fail");
});

test("a route that only the new version has is compared with nothing", () => {
  const slow: Counts = { requests: 20, errors: 0, latency: [0, 0, 0, 0, 0, 0, 0, 20] };
  const good = tick(100, 0);
  const fresh = { ...good, candidate: { ...good.candidate, "GET /new": slow } };
  const [plain, withNew] = [good, fresh].map((each) =>
    fold(start({ strata: ["GET /"] }), timed(Array(120).fill(each))),
  );
  expect(withNew?.logE).toBe(plain?.logE);
});

describe("bad input is never a pass and never a rollback", () => {
  const bad = tick(100, 60);
  const unusable: [string, (interval: Interval) => Interval | Gap, string][] = [
    ["a counter that ran backwards", (i) => changed(i, { requests: -5 }), "candidate, GET /: a counter ran backwards"],
    ["a count that is not a number", (i) => changed(i, { errors: Number.NaN }), "a count is not a number"],
    ["a histogram that is not a number", (i) => changed(i, { latency: [1, Number.NaN] }), "a count is not a number"],
    ["more errors than requests", (i) => changed(i, { requests: 5, errors: 9 }), "more errors than requests"],
    [
      "buckets that changed midway",
      (i) => changed(i, { latency: Array(20).fill(1) }),
      "20 latency buckets where 8 were agreed",
    ],
    [
      "cumulative buckets taken for plain ones",
      (i) => changed(i, { latency: Array(8).fill(100) }),
      "more latencies than requests",
    ],
    ["clocks that disagree", (i) => ({ ...i, endMs: i.startMs - 1 }), "ends before it starts: clocks disagree"],
    ["late samples of a time already judged", (i) => ({ ...i, startMs: 0 }), "clocks disagree, or it came twice"],
    [
      "sides swapped",
      (i) => ({ ...i, stable: i.candidate, candidate: i.stable }),
      "90 % of the requests where 10 % were planned: the sides look swapped",
    ],
    [
      "a source that answers nothing",
      ({ startMs, endMs }) => ({ startMs, endMs, missing: "Prometheus answered 422" }),
      "no usable interval for 5 min: Prometheus answered 422",
    ],
  ];

  test.each(unusable)("%s: errored, after a healthy start and though the rest looks bad", (_, spoil, words) => {
    const started = fold(start({ strata: ["GET /"], share: 0.1 }), timed(Array(12).fill(tick(100, 0))));
    const state = fold(started, timed(Array(60).fill(bad), 12).map(spoil));
    expect(verdict(state)).toBe("errored");
    expect(verdict(state, { isOver: true })).toBe("errored");
    expect(state.logE).toBe(started.logE);
    expect(explain(state, { isOver: true }).sentence).toContain(words);
  });

  test("a history with impossible counts in it is judged without those", () => {
    const good = timed(Array(60).fill(tick(100, 0)));
    const buckets = { log2Edges };
    const broken = { "GET /": { requests: Number.NaN, errors: -1, latency: [Number.NaN] } };
    const [clean, spoilt] = [[], [broken]].map((intervals) =>
      fold(
        begin({ history: { intervals, podLogSd: intervals.length ? Number.NaN : 0 }, strata: ["GET /"], buckets }),
        good,
      ),
    );
    expect(spoilt?.logE).toBe(clean?.logE);
  });

  test("a fifth of the intervals missing, here and there, is errored at the end", () => {
    const mixed = timed(Array(60).fill(tick(100, 0))).map((interval, t) =>
      t % 4 === 0 ? { startMs: interval.startMs, endMs: interval.endMs, missing: "scrape timed out" } : interval,
    );
    const state = fold(start({ strata: ["GET /"] }), mixed);
    expect(verdict(state, { isOver: true })).toBe("errored");
  });

  test.each([
    ["the candidate", (good: Sides): Sides => ({ ...good, candidate: {} })],
    ["stable", (good: Sides): Sides => ({ ...good, stable: {} })],
  ])("%s silent from the start: inconclusive", (_, hush) => {
    const state = fold(start({ strata: ["GET /"] }), timed(Array(120).fill(hush(tick(100, 0)))));
    expect(verdict(state)).toBe("watching");
    expect(verdict(state, { isOver: true })).toBe("inconclusive");
  });

  test.each([
    ["the candidate", (good: Sides): Sides => ({ ...good, candidate: {} })],
    ["stable", (good: Sides): Sides => ({ ...good, stable: {} })],
  ])("%s silent after thousands of good requests: inconclusive", (_, hush) => {
    const good = tick(200, 0);
    const state = fold(start({ strata: ["GET /"] }), timed([...Array(200).fill(good), ...Array(20).fill(hush(good))]));
    expect(verdict(state, { isOver: true })).toBe("inconclusive");
  });
});

describe("at the end of a bake", () => {
  const few = fold(start({ strata: ["GET /"] }), timed(Array(20).fill(tick(10, 0))));
  const enough = fold(start({ strata: ["GET /"] }), timed(Array(20).fill(tick(40, 0))));

  test("too few requests are inconclusive", () => {
    expect(verdict(few, { isOver: true })).toBe("inconclusive");
  });

  test("no harm seen over the minimum of requests is a pass, unless proof is required", () => {
    expect(verdict(enough)).toBe("watching");
    expect(verdict(enough, { isOver: true })).toBe("pass");
    const strict = { ...enough, parameters: { ...enough.parameters, requireProof: true } };
    expect(verdict(strict, { isOver: true })).toBe("inconclusive");
  });

  test("the next step shows health anew, while the evidence of harm goes on", () => {
    const proven = fold(start({ strata: ["GET /"] }), timed(Array(200).fill(tick(400, 0))));
    expect(verdict(proven)).toBe("pass");
    const next = nextStep(proven, { share: 0.5 });
    expect(verdict(next)).toBe("watching");
    expect(verdict(next, { isOver: true })).toBe("inconclusive");
    expect(next.logE).toBe(proven.logE);
  });

  test("replicas that a step adds warm up before their latency counts", () => {
    const warm = fold(start({ strata: ["GET /"] }), timed(Array(24).fill(tick(100, 0))));
    const cold = timed(Array(6).fill(tick(100, 0)), 24).map((i) =>
      mapped(i, (latency) => [0, ...latency], "candidate"),
    );
    expect(fold(nextStep(warm, { newReplicas: true }), cold).books.ledger.all.rank).toEqual(warm.books.ledger.all.rank);
    expect(fold(nextStep(warm, {}), cold).books.ledger.all.rank).not.toEqual(warm.books.ledger.all.rank);
  });
});

type Sides = Pick<Interval, "stable" | "candidate">;

function start(options: { strata: readonly string[]; log2Edges?: number[]; share?: number }): JudgeState {
  const buckets = { log2Edges: options.log2Edges ?? log2Edges };
  const share = options.share === undefined ? {} : { share: options.share };
  return begin({ history: { intervals: [], podLogSd: 0 }, strata: options.strata, buckets, ...share });
}

function fold(state: JudgeState, all: readonly (Interval | Gap)[]): JudgeState {
  return all.reduce(observe, state);
}

function timed(sides: readonly Sides[], from = 0): Interval[] {
  return sides.map((each, t) => ({ ...each, startMs: 5000 * (from + t), endMs: 5000 * (from + t + 1) }));
}

function intervals(ticks: Traffic): Interval[] {
  const named = ([a, b]: [Counts, Counts]) => ({ "GET /": a, "POST /orders": b });
  // Half a minute each, so that forty of them reach beyond the warm-up and several starts.
  return ticks.map(({ stable, candidate }, t) => ({
    startMs: 30_000 * t,
    endMs: 30_000 * (t + 1),
    stable: named(stable),
    candidate: named(candidate),
  }));
}

/** 900 requests of stable without errors, `requests` of the candidate. */
function tick(requests: number, errors: number): Sides {
  return { stable: side(9 * requests, 0), candidate: side(requests, errors) };
}

function side(requests: number, errors: number): Record<string, Counts> {
  const share = (part: number) => Math.round(part * (requests - errors));
  return {
    "GET /": { requests, errors, latency: [0, 0, share(0.2), share(0.5), share(0.25), share(0.045), share(0.005)] },
  };
}

function reversed({ stable, candidate, ...time }: Interval): Interval {
  const turned = (strataOf: Interval["stable"]) => Object.fromEntries(Object.entries(strataOf).reverse());
  return { ...time, stable: turned(stable), candidate: turned(candidate) };
}

function mapped(interval: Interval, latency: (counts: readonly number[]) => number[], only?: "candidate"): Interval {
  const each = (strataOf: Interval["stable"]) =>
    Object.fromEntries(Object.entries(strataOf).map(([name, c]) => [name, { ...c, latency: latency(c.latency) }]));
  return {
    ...interval,
    stable: only ? interval.stable : each(interval.stable),
    candidate: each(interval.candidate),
  };
}

function changed(interval: Interval, change: Partial<Counts>): Interval {
  const before = interval.candidate["GET /"] ?? { requests: 0, errors: 0, latency: [] };
  return { ...interval, candidate: { "GET /": { ...before, ...change } } };
}
