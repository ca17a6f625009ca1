import { expect, test } from "vitest";
import { ExpenseDraft, monthBefore } from "./expenses.ts";

test("months are counted back and forth across years", () => {
  expect([monthBefore("2026-01", 1), monthBefore("2026-03", 14), monthBefore("2025-12", -1)]).toEqual([
    "2025-12",
    "2025-01",
    "2026-01",
  ]);
});

test("an expense needs an amount above zero, a known category and a real day", () => {
  const parsed = ExpenseDraft.safeParse({ amountCents: 0, category: "yachts", spentOn: "2026-02-30" });
  expect(parsed.error?.issues.map(({ path }) => path[0])).toEqual(["amountCents", "category", "spentOn"]);
});
