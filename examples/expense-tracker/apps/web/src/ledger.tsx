// One month of an account: its total, what it was made of, how it compares, and every expense.
import type { Account } from "@tally/contracts/accounts";
import { type Expense, type ExpenseDraft, type MonthTotal, monthBefore } from "@tally/contracts/expenses";
import { useCallback, useEffect, useState } from "react";
import { type Api, ApiError } from "./api.ts";
import { CategoryBars } from "./category-bars.tsx";
import { ExpenseForm } from "./expense-form.tsx";
import { ExpenseTable } from "./expense-table.tsx";
import { money, monthName, today } from "./format.ts";
import { MonthChart } from "./month-chart.tsx";

type LedgerProps = Readonly<{ api: Api; account: Account; onSignedOut: () => void }>;
type Editing = Readonly<{ id: string; expense: Expense | undefined }>;

export function Ledger({ api, account, onSignedOut }: LedgerProps) {
  const thisMonth = today().slice(0, 7);
  const [month, setMonth] = useState(thisMonth);
  const [expenses, setExpenses] = useState<readonly Expense[]>();
  const [months, setMonths] = useState<readonly MonthTotal[]>([]);
  const [problem, setProblem] = useState<string>();
  const [editing, setEditing] = useState<Editing>();

  const explain = useCallback(
    (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) onSignedOut();
      else setProblem(error.message);
    },
    [onSignedOut],
  );

  const load = useCallback(async () => {
    try {
      const [list, totals] = await Promise.all([api.expenses(month), api.summary(thisMonth)]);
      setExpenses(list);
      setMonths(totals);
      setProblem(undefined);
    } catch (error) {
      explain(error);
    }
  }, [api, month, thisMonth, explain]);

  useEffect(() => void load(), [load]);

  async function save(draft: ExpenseDraft) {
    if (!editing) return;
    await api.record(editing.id, draft);
    setEditing(undefined);
    if (draft.spentOn.slice(0, 7) === month) await load();
    else setMonth(draft.spentOn.slice(0, 7));
  }

  async function remove(id: string) {
    await api.remove(id).catch(explain);
    setEditing(undefined);
    await load();
  }

  const shown = months.find((total) => total.month === month);
  const before = months.find((total) => total.month === monthBefore(month, 1));
  const add = () => setEditing({ id: crypto.randomUUID(), expense: undefined });

  return (
    <main className="page ledger">
      <section className="card overview" aria-labelledby="month">
        <div className="month">
          <button
            type="button"
            className="quiet step"
            aria-label="The month before"
            onClick={() => setMonth(monthBefore(month, 1))}
          >
            ‹
          </button>
          <h1 id="month">{monthName(month)}</h1>
          <button
            type="button"
            className="quiet step"
            aria-label="The month after"
            disabled={month >= thisMonth}
            onClick={() => setMonth(monthBefore(month, -1))}
          >
            ›
          </button>
        </div>
        <p className="total">{money(shown?.totalCents ?? 0, account.currency)}</p>
        <p className="compared">{compare(shown, before, account.currency)}</p>
        <MonthChart months={months} selected={month} currency={account.currency} onSelect={setMonth} />
        <CategoryBars total={shown} currency={account.currency} />
      </section>
      <section className="card entries" aria-labelledby="entries">
        <div className="title">
          <h2 id="entries">Expenses</h2>
          <button type="button" className="add" onClick={add}>
            <span aria-hidden="true">+</span> Add expense
          </button>
        </div>
        {problem && (
          <p className="wrong" role="alert">
            {problem}{" "}
            <button type="button" className="link" onClick={() => void load()}>
              Try again
            </button>
          </p>
        )}
        <ExpenseTable
          expenses={expenses}
          currency={account.currency}
          onEdit={(expense) => setEditing({ id: expense.id, expense })}
        />
      </section>
      {editing && (
        <ExpenseForm
          key={editing.id}
          expense={editing.expense}
          day={month === thisMonth ? today() : `${month}-01`}
          currency={account.currency}
          onSave={save}
          onDelete={() => remove(editing.id)}
          onClose={() => setEditing(undefined)}
        />
      )}
    </main>
  );
}

function compare(shown: MonthTotal | undefined, before: MonthTotal | undefined, currency: string): string {
  if (!shown || !before || before.totalCents === 0) return "spent";
  const more = shown.totalCents - before.totalCents;
  if (more === 0) return `spent, as in ${monthName(before.month, "short")}`;
  return `spent, ${money(Math.abs(more), currency)} ${more > 0 ? "more" : "less"} than in ${monthName(before.month, "short")}`;
}
