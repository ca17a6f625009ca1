// What changes when buckets do, and what must not.
import { expect, test } from "vitest";
import { aligned, onto, rebucketed } from "./buckets.ts";
import type { Interval } from "./evidence.ts";

const coarse = { log2Edges: [1, 3, 5] };
const fine = { log2Edges: [1, 2, 3, 4, 5] };
const interval: Interval = {
  startMs: 0,
  endMs: 5_000,
  stable: { all: { requests: 10, errors: 0, latency: [4, 6] } },
  candidate: { all: { requests: 2, errors: 0, latency: [0, 2] } },
  buckets: coarse,
};

test("a count is spread over finer buckets and added up in coarser ones; none is lost", () => {
  expect(rebucketed([4, 6], coarse, fine)).toEqual([2, 2, 3, 3]);
  expect(rebucketed([1, 2, 3, 4], fine, coarse)).toEqual([3, 7]);
  expect(rebucketed([1, 2, 3, 4], fine, { log2Edges: [2.5, 3, 4] })).toEqual([3, 7]);
});

test("both sides are brought to the same buckets, and what is in them already is left alone", () => {
  expect(onto(interval, coarse)).toBe(interval);
  expect(onto(interval, fine)).toMatchObject({ stable: { all: { latency: [2, 2, 3, 3] } }, buckets: fine });
  const list = [interval, interval];
  expect(aligned(list)).toBe(list);
  expect(aligned([interval, onto(interval, fine)])[1]?.stable.all?.latency).toEqual([4, 6]);
});
