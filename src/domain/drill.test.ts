import { expect, test } from "vitest";
import { drillDueAt } from "./drill.ts";

const at = (text: string) => Date.parse(`${text}Z`);
const weekly = { every: 7 * 86_400_000, at: "04:00" };

test("a rehearsal is due so long after the last one, at its time of the day", () => {
  expect(drillDueAt({ every: 3_600_000 }, at("2026-01-01T10:00"))).toBe(at("2026-01-01T11:00"));
  expect(drillDueAt(weekly, at("2026-01-01T09:30"))).toBe(at("2026-01-08T04:00"));
  expect(drillDueAt(weekly, at("2026-01-01T22:00"))).toBe(at("2026-01-09T04:00"));
});

test("one that began a little late does not make the next one late by a day", () => {
  expect(drillDueAt(weekly, at("2026-01-08T04:01"))).toBe(at("2026-01-15T04:00"));
});
