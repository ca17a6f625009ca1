import { expect, test } from "vitest";
import { parseMoney, today } from "./format.ts";

test("amounts are read as people type them", () => {
  expect(["12", "12.5", "12,50", " 1 200.00 "].map(parseMoney)).toEqual([1200, 1250, 1250, 120_000]);
});

test("what is not an amount is not guessed at", () => {
  expect(["", "-3", "1.234", "twelve", "1,2,3"].map(parseMoney)).toEqual(Array(5).fill(undefined));
});

test("today is the day here", () => {
  expect(today(new Date(2026, 0, 5, 23, 59))).toBe("2026-01-05");
});
