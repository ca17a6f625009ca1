// The expenses of a month, by day; each opens its form.
import type { Expense } from "@tally/contracts/expenses";
import { dayName, money } from "./format.ts";

type ExpenseTableProps = Readonly<{
  /** Latest first; undefined until they are known. */
  expenses: readonly Expense[] | undefined;
  currency: string;
  onEdit: (expense: Expense) => void;
}>;

export function ExpenseTable({ expenses, currency, onEdit }: ExpenseTableProps) {
  if (!expenses) return <p className="empty" aria-busy="true" />;
  if (expenses.length === 0) return <p className="empty">Nothing spent yet. Enjoy it while it lasts.</p>;
  const days = [...new Set(expenses.map(({ spentOn }) => spentOn))];
  return (
    <ol className="days">
      {days.map((day) => (
        <li key={day}>
          <h3>{dayName(day)}</h3>
          <ul>
            {expenses
              .filter(({ spentOn }) => spentOn === day)
              .map((expense) => (
                <li key={expense.id}>
                  <button type="button" className="entry" onClick={() => onEdit(expense)}>
                    <span className="dot" data-category={expense.category} aria-hidden="true" />
                    <span className="what">
                      <span>{expense.note || expense.category}</span>
                      {expense.note && <small>{expense.category}</small>}
                    </span>
                    <span className="cents">{money(expense.amountCents, currency)}</span>
                  </button>
                </li>
              ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}
