// Record, change, delete and list expenses, and sum them up by month.
import { ExpenseDraft, type ExpenseList, Month, type Summary } from "@tally/contracts/expenses";
import type { Database } from "@tally/database/database";
import { parse, parseBody } from "@tally/http/parse";
import { Refusal } from "@tally/http/refusal";
import { requireSession, type SignedIn } from "@tally/http/session";
import { Hono } from "hono";
import * as z from "zod/mini";
import { deleteExpense, listExpenses, putExpense, sumMonths } from "./expenses.ts";

const Id = z.object({ id: z.uuid("The id of an expense is a UUID") });
const ListQuery = z.object({ month: Month });
const SummaryQuery = z.object({
  until: Month,
  months: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(24)), 12),
});

export function expenseRoutes({ database, secrets }: Readonly<{ database: Database; secrets: readonly string[] }>) {
  return new Hono<SignedIn>()
    .use(requireSession(secrets))
    .get("/expenses", async (c) => {
      const { month } = parse(ListQuery, c.req.query());
      const expenses = await listExpenses(database, c.get("account"), month);
      return c.json({ month, expenses } satisfies ExpenseList);
    })
    .get("/expenses/summary", async (c) => {
      const { until, months: count } = parse(SummaryQuery, c.req.query());
      const months = await sumMonths(database, { account: c.get("account"), until, count });
      return c.json({ months } satisfies Summary);
    })
    .put("/expenses/:id", async (c) => {
      const { id } = parse(Id, c.req.param());
      const draft = await parseBody(c.req, ExpenseDraft);
      const expense = await putExpense(database, { account: c.get("account"), id, draft });
      if (!expense) throw new Refusal(409, "id_taken", "This id is taken");
      return c.json(expense);
    })
    .delete("/expenses/:id", async (c) => {
      const { id } = parse(Id, c.req.param());
      await deleteExpense(database, c.get("account"), id);
      return c.body(null, 204);
    });
}
