// Each formula against numbers that an independent implementation (NumPy, and brute force where it can) computed.
import { describe, expect, test } from "vitest";
import { nativeBuckets } from "../evidence.ts";
import { clumping } from "./clumping.ts";
import { everyStart, everyStartEvidence, logSumExp, startTerms } from "./mixture.ts";
import { logNormaliser, logRanks, pairsSlower } from "./rank.ts";
import { logAbsolute, logRate } from "./rate.ts";
import { shift } from "./shift.ts";
import { slow, tailCut } from "./tail.ts";

const events = { candidate: 3, stable: 2, candidateRequests: 25, stableRequests: 225 };

test.each([
  [2, 1.0, 1.6028906426582112],
  [2, 1.1, 1.3667117575110768],
  [4, 1.0, 2.8470617610222164],
  [4, 1.1, 2.610882875875082],
  [10, 1.0, 3.6984858481201632],
  [10, 1.1, 3.4623069629730288],
  [50, 1.0, 2.861307261726069],
  [50, 1.1, 2.6251283765789344],
])("3 of 25 errors against 2 of 225, bet %d on null %d: ln e = %d", (r, r0, logE) => {
  expect(logRate(events, r, r0)).toBeCloseTo(logE, 9);
});

test.each([
  [0.25, 0.6930868850961471],
  [0.5, 0.5864138967675018],
  [1.0, 0.38124071921729974],
])("no error of 50 against 4 of 450, bet %d on at most twice: ln e = %d", (r, logE) => {
  const healthy = { candidate: 0, stable: 4, candidateRequests: 50, stableRequests: 450 };
  expect(logRate(healthy, r, 2)).toBeCloseTo(logE, 9);
});

test("a side without requests says nothing", () => {
  expect(logRate({ ...events, stableRequests: 0 }, 2, 1)).toBe(0);
  expect(logRanks([1, 2], [], [1])).toEqual([0]);
});

test("the rate e-value has expectation one at the edge of its null", () => {
  // Given 6 events, the candidate's share of them is Binomial(6, θ(r0)).
  const [n, m, r0] = [30, 170, 1.1];
  const p = n / (n + m);
  const theta = (p * r0) / (1 - p + p * r0);
  let mean = 0;
  for (let k = 0; k <= 6; k++) {
    const chance = choose(6, k) * theta ** k * (1 - theta) ** (6 - k);
    const split = { candidate: k, stable: 6 - k, candidateRequests: n, stableRequests: m };
    mean += chance * Math.exp(logRate(split, 2.5, r0));
  }
  expect(mean).toBeCloseTo(1, 12);
});

test("the absolute e-value has expectation one at the edge of its null", () => {
  let mean = 0;
  for (let k = 0; k <= 8; k++) mean += choose(8, k) * 0.1 ** k * 0.9 ** (8 - k) * Math.exp(logAbsolute(k, 8, 0.4, 0.1));
  expect(mean).toBeCloseTo(1, 12);
});

describe("the Mann-Whitney normaliser", () => {
  test.each([
    [0.25, 2, 3, 0.15374812669087018],
    [1.5, 3, 7, 1.7880570981062693],
    [4.0, 3, 7, 5.589335609026986],
    [0.6, 25, 225, 7.0879256950714105],
    [4.0, 25, 225, 58.560064198471956],
  ])("tilt %d, %i against %i requests: %d", (x, n, m, exact) => {
    expect(Math.abs(logNormaliser(x, n, m) - exact)).toBeLessThan(1e-5);
  });

  test("is the expectation over every order of the requests", () => {
    // All ways to choose which 3 of 8 ranks are the candidate's.
    const [n, m, x] = [3, 5, 1.5];
    const sums: number[] = [];
    for (let a = 0; a < 8; a++)
      for (let b = a + 1; b < 8; b++) for (let c = b + 1; c < 8; c++) sums.push(Math.exp((x / 8) * (a + b + c - 3)));
    const mean = sums.reduce((sum, e) => sum + e, 0) / sums.length;
    expect(Math.abs(logNormaliser(x, n, m) - Math.log(mean))).toBeLessThan(1e-5);
  });
});

describe("the rank e-value", () => {
  const candidate = [0, 1, 4, 6, 5, 3, 1];
  const stable = [3, 20, 60, 70, 50, 18, 4];

  test("counts the pairs in which the candidate is slower, ties one half", () => {
    expect(pairsSlower(candidate, stable)).toBe(2682);
    expect(pairsSlower([0, 2], [3, 1])).toBe(2 * 3 + 1);
  });

  test.each([
    [0.25, 0.3928126821504878],
    [0.6, 0.7820914553401499],
    [1.5, 0.9450893489125374],
    [4.0, -4.000722696434181],
    [-0.2, -0.3833807402308569],
    [-0.8, -1.8999930969839163],
  ])("tilt %d: ln e = %d", (x, logE) => {
    expect(Math.abs((logRanks(candidate, stable, [x])[0] ?? Number.NaN) - logE)).toBeLessThan(1e-6);
  });
});

describe("the shift by a tolerance", () => {
  test("on native buckets", () => {
    const moved = shift([0, 0, 10, 20, 10], 1.03, nativeBuckets);
    const expected = [0, 6.823093985358995, 16.823093985358994, 13.176906014641006, 3.1769060146410046];
    expected.forEach((count, b) => {
      expect(moved[b]).toBeCloseTo(count, 9);
    });
  });

  test("on buckets of a classic histogram", () => {
    const log2Edges = [2, 5, 10, 25, 50, 100].map(Math.log2);
    const expected = [0.17057734727859497, 4.15201473236084, 9.933274269104004, 5.744133949279785, 0];
    shift([0, 4, 10, 6, 0], 1.03, { log2Edges }).forEach((count, b) => {
      expect(Math.abs(count - (expected[b] ?? 0))).toBeLessThan(1e-6);
    });
  });

  test("loses and makes no request, not even below the first edge", () => {
    const moved = shift([5, 0, 7, 1], 8, { log2Edges: [1, 2, 3, 4, 5] });
    expect(moved.reduce((sum, count) => sum + count, 0)).toBeCloseTo(13, 12);
  });
});

test("clumping of stable errors per interval, from neighbouring pairs", () => {
  const errors = [0, 3, 0, 0, 6, 0, 1, 0, 0, 9, 0, 0, 0, 4, 0, 0, 2, 0, 0, 3];
  expect(clumping(errors)).toBeCloseTo(3.280622007838452, 9);
});

test("nothing known of the past counts as not clumped", () => {
  expect(clumping([])).toBe(1);
  expect(clumping([7])).toBe(1);
});

test("slow is above the first bucket that reaches the quantile", () => {
  expect(tailCut([90, 9, 1, 0], 0.99)).toBe(1);
  expect(slow([90, 9, 1, 0], 1)).toBe(1);
  expect(tailCut([], 0.99)).toBe(0);
});

test("ln of a sum of exponentials beyond what a double holds", () => {
  expect(logSumExp([900, 900])).toBeCloseTo(900 + Math.LN2, 12);
});

test("money whose start is still to come has not been bet", () => {
  const [first, second] = startTerms([3, 1], [[], null], [0.8, 0.2]);
  expect(first).toBeCloseTo(Math.log(0.8) + Math.log((Math.exp(3) + Math.exp(1)) / 2), 12);
  expect(second).toBeCloseTo(Math.log(0.2), 12);
});

test("a start in every interval is the Shiryaev-Roberts sum, with the money not yet bet", () => {
  const e = [1.5, 0.8, 2, 3, 0.9];
  let logR: number | null = null;
  e.forEach((value, t) => {
    logR = everyStart(logR, Math.log(value), t, e.length);
  });
  expect(Math.exp(logR ?? 0) * e.length).toBeCloseTo(19.8, 9);
  expect(Math.exp(everyStartEvidence(Math.log(0.5), 0, 5))).toBeCloseTo(0.5 + 4 / 5, 12);
});

function choose(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i;
  return ways;
}
