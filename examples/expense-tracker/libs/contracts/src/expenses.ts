// What the expense service, its callers and the web app agree on about expenses.
import * as z from "zod/mini";

export const categories = ["groceries", "eating out", "home", "transport", "health", "fun", "travel", "other"] as const;
export const Category = z.enum(categories, "Choose a category");
export type Category = z.output<typeof Category>;

export const Month = z.string("Give a month").check(z.regex(/^\d{4}-(0[1-9]|1[0-2])$/, "A month looks like 2026-03"));

/** The caller chooses the id of an expense and puts it, so recording twice what was sent twice is harmless. */
export const ExpenseDraft = z.object({
  amountCents: z
    .int("Give an amount")
    .check(z.minimum(1, "Give an amount above zero"), z.maximum(100_000_000, "This amount is too large")),
  category: Category,
  note: z._default(z.string().check(z.trim(), z.maxLength(200, "Use at most 200 characters")), ""),
  spentOn: z.iso.date("Give a day"),
});
export type ExpenseDraft = z.input<typeof ExpenseDraft>;

export const Expense = z.object({
  id: z.uuid(),
  amountCents: z.int(),
  category: Category,
  note: z.string(),
  spentOn: z.string(),
});
export type Expense = z.output<typeof Expense>;

export const ExpenseList = z.object({ month: Month, expenses: z.readonly(z.array(Expense)) });
export type ExpenseList = z.output<typeof ExpenseList>;

export const MonthTotal = z.object({
  month: Month,
  totalCents: z.int(),
  byCategory: z.partialRecord(Category, z.int()),
});
export type MonthTotal = z.output<typeof MonthTotal>;

/** Oldest first, without gaps: a month with no expense is there with a total of nought. */
export const Summary = z.object({ months: z.readonly(z.array(MonthTotal)) });
export type Summary = z.output<typeof Summary>;

/** `monthBefore("2026-01", 1)` is `2025-12`. */
export function monthBefore(month: string, count: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const index = year * 12 + (number - 1) - count;
  return `${Math.floor(index / 12)}-${String((((index % 12) + 12) % 12) + 1).padStart(2, "0")}`;
}
