// The bet on clumps: fair for clumps of any mean size, and worth more than a tempered bet on their single errors.
import { describe, expect, test } from "vitest";
import { logClumps } from "./clumps.ts";
import { logRate } from "./rate.ts";
import { temper } from "./temper.ts";

const [n, m] = [25, 225];
const bets = [1.5, 2.5, 6, 30].map((r) => ({ r, r0: 1.1 }));

/** E of e, and of ln e, over one clump of geometric size that falls on the candidate with chance θ(ratio). */
function mean(of: (log: number) => number, log: (k: number, l: number) => number, { ratio = 1.1, size = 1 }): number {
  const p = n / (n + m);
  const theta = (p * ratio) / (1 - p + p * ratio);
  let sum = 0;
  for (let s = 1; s < 400; s++) {
    const chance = (1 / size) * (1 - 1 / size) ** (s - 1);
    sum += chance * (theta * of(log(s, 0)) + (1 - theta) * of(log(0, s)));
  }
  return sum;
}

const events = (k: number, l: number) => ({ candidate: k, stable: l, candidateRequests: n, stableRequests: m });

describe.each([1, 2, 3, 5])("clumps of mean size %i", (size) => {
  const clumping = 2 * size - 1;

  test.each(bets)("a bet on $r is an e-value at the edge of the null", (bet) => {
    const log = (k: number, l: number) => logClumps(events(k, l), clumping, bet);
    expect(mean(Math.exp, log, { size })).toBeCloseTo(1, 9);
    expect(mean(Math.exp, log, { size, ratio: 0.9 })).toBeLessThan(1);
  });

  test("four times the errors are worth more than to the tempered bet", () => {
    const growth = bets.map((bet) => {
      const one = (k: number, l: number) => logClumps(events(k, l), clumping, bet);
      const tempered = (k: number, l: number) =>
        logRate(events(k, l), bet.r, bet.r0) / temper(clumping, events(k, l), bet);
      const identity = (log: number) => log;
      return [mean(identity, one, { size, ratio: 4 }), mean(identity, tempered, { size, ratio: 4 })] as const;
    });
    const [best, before] = [0, 1].map((i) => Math.max(...growth.map((pair) => pair[i] ?? 0)));
    if (size === 1) expect(best).toBeCloseTo(before ?? 0, 9);
    else expect(best).toBeGreaterThan(1.3 * (before ?? 0));
  });
});

test("several clumps in one block win no more than one", () => {
  const won = (clumps: number) => bets.map((bet) => logClumps(events(clumps, 0), 5, bet));
  expect(won(7)).toEqual(won(1));
});
