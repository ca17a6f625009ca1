// The expenses in the database. Every statement names the account, so none can reach another's expenses.
import { Expense, type ExpenseDraft, type MonthTotal, monthBefore } from "@tally/contracts/expenses";
import type { Database } from "@tally/database/database";
import * as z from "zod/mini";

export const schema = "expense_service";
export const migrations = [
  `CREATE TABLE expense (
     id uuid PRIMARY KEY,
     account_id uuid NOT NULL,
     amount_cents integer NOT NULL CHECK (amount_cents > 0),
     category text NOT NULL,
     note text NOT NULL,
     spent_on date NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now()
   );
   CREATE INDEX expense_by_day ON expense (account_id, spent_on DESC, created_at DESC)`,
];

const columns = `id, amount_cents AS "amountCents", category, note, to_char(spent_on, 'YYYY-MM-DD') AS "spentOn"`;
const Total = z.object({ month: z.string(), category: Expense.shape.category, cents: z.number() });

/** Records it or changes it. Undefined if the id is that of somebody else's expense. */
export async function putExpense(
  database: Database,
  { account, id, draft }: Readonly<{ account: string; id: string; draft: Required<ExpenseDraft> }>,
): Promise<Expense | undefined> {
  const [row] = await database.query(
    `INSERT INTO expense (id, account_id, amount_cents, category, note, spent_on) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (id) DO UPDATE
       SET amount_cents = excluded.amount_cents, category = excluded.category,
           note = excluded.note, spent_on = excluded.spent_on
       WHERE expense.account_id = excluded.account_id
     RETURNING ${columns}`,
    [id, account, draft.amountCents, draft.category, draft.note, draft.spentOn],
  );
  return row === undefined ? undefined : z.parse(Expense, row);
}

export async function deleteExpense(database: Database, account: string, id: string): Promise<void> {
  await database.query("DELETE FROM expense WHERE id = $1 AND account_id = $2", [id, account]);
}

/** Latest first. */
export async function listExpenses(database: Database, account: string, month: string): Promise<readonly Expense[]> {
  const rows = await database.query(
    `SELECT ${columns} FROM expense
     WHERE account_id = $1 AND spent_on >= $2::date AND spent_on < $2::date + interval '1 month'
     ORDER BY spent_on DESC, created_at DESC LIMIT 1000`,
    [account, `${month}-01`],
  );
  return z.parse(z.array(Expense), rows);
}

/** `count` months up to and with `until`, oldest first and without gaps. */
export async function sumMonths(
  database: Database,
  { account, until, count }: Readonly<{ account: string; until: string; count: number }>,
): Promise<readonly MonthTotal[]> {
  const first = monthBefore(until, count - 1);
  const rows = await database.query(
    `SELECT to_char(spent_on, 'YYYY-MM') AS month, category, sum(amount_cents)::double precision AS cents
     FROM expense
     WHERE account_id = $1 AND spent_on >= $2::date AND spent_on < $3::date + interval '1 month'
     GROUP BY 1, 2`,
    [account, `${first}-01`, `${until}-01`],
  );
  const totals = z.parse(z.array(Total), rows);
  return Array.from({ length: count }, (_, index) => {
    const month = monthBefore(until, count - 1 - index);
    const ofMonth = totals.filter((total) => total.month === month);
    return {
      month,
      totalCents: ofMonth.reduce((sum, { cents }) => sum + cents, 0),
      byCategory: Object.fromEntries(ofMonth.map(({ category, cents }) => [category, cents])),
    };
  });
}
