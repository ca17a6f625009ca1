import { expect, test } from "vitest";
import type { Interval } from "./evidence.ts";
import { tallied, untallied } from "./tally.ts";

const planned = { share: 0.1, minimumRequests: 500 };

function interval(index: number, candidate: number): Interval {
  const [startMs, endMs] = [index * 5000, (index + 1) * 5000];
  const counts = (requests: number) => ({ requests, errors: 1, latency: [0, 0, requests - 1] });
  return { startMs, endMs, stable: { "/a": counts(9 * candidate) }, candidate: { "/a": counts(candidate) } };
}

function tallyOf(intervals: readonly Interval[]) {
  return intervals.reduce((tally, one) => tallied(tally, one, planned), untallied);
}

test("a bake of a day is remembered as its sums and its last minute", () => {
  const day = tallyOf(Array.from({ length: 17_280 }, (_, i) => interval(i, 50)));
  expect(day.usable).toBe(17_280);
  expect(day.whole.candidate).toEqual({ requests: 17_280 * 50, errors: 17_280, latency: [0, 0, 17_280 * 49] });
  expect(day.recent).toHaveLength(12);
});

test("with little traffic, as much is remembered as a limit needs to say anything", () => {
  const { recent } = tallyOf(Array.from({ length: 1000 }, (_, i) => interval(i, 4)));
  // Of four requests three succeed, and a limit on latency counts successes.
  expect(recent).toHaveLength(Math.ceil(500 / 3));
});

test("what may not be counted is told, and counted as dropped", () => {
  const [first, second] = [interval(0, 50), interval(1, 50)];
  const tally = tallyOf([first, first, { ...second, candidate: { "/a": { requests: 1, errors: 2, latency: [] } } }]);
  expect([tally.usable, tally.dropped]).toEqual([1, 2]);
  expect(tally.lastDropped?.because).toContain("more errors than requests");
  expect(tally.last?.endMs).toBe(10_000);
  expect(tally.lastUsable?.endMs).toBe(5000);
});
