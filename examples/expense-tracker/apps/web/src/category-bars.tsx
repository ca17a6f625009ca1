// What a month was made of, largest first.
import { categories, type MonthTotal } from "@tally/contracts/expenses";
import { money } from "./format.ts";

export function CategoryBars({ total, currency }: Readonly<{ total: MonthTotal | undefined; currency: string }>) {
  const parts = categories
    .map((category) => ({ category, cents: total?.byCategory[category] ?? 0 }))
    .filter(({ cents }) => cents > 0)
    .sort((a, b) => b.cents - a.cents);
  if (parts.length === 0) return null;
  const most = parts[0]?.cents ?? 1;
  return (
    <ul className="categories" aria-label="By category">
      {parts.map(({ category, cents }) => (
        <li key={category}>
          <span className="name">{category}</span>
          <span className="cents">{money(cents, currency)}</span>
          <span className="track" aria-hidden="true">
            <span style={{ width: `${(cents / most) * 100}%` }} data-category={category} />
          </span>
        </li>
      ))}
    </ul>
  );
}
