// The last months as bars; each is a button that shows its month.
import type { MonthTotal } from "@tally/contracts/expenses";
import { money, monthName, roundMoney } from "./format.ts";

type MonthChartProps = Readonly<{
  months: readonly MonthTotal[];
  selected: string;
  currency: string;
  onSelect: (month: string) => void;
}>;

const step = 40;
const barWidth = 24;
const plotHeight = 120;
const top = 18;

export function MonthChart({ months, selected, currency, onSelect }: MonthChartProps) {
  const most = Math.max(...months.map(({ totalCents }) => totalCents), 1);
  return (
    <figure className="chart">
      <figcaption>Month by month</figcaption>
      <svg viewBox={`0 0 ${step * 12} ${plotHeight + top + 22}`} aria-label="Spent in each of the last months">
        <line x1="0" x2={step * 12} y1={top + plotHeight + 0.5} y2={top + plotHeight + 0.5} className="axis" />
        {months.map(({ month, totalCents }, index) => {
          const height = totalCents === 0 ? 2 : Math.max(4, (totalCents / most) * plotHeight);
          const x = index * step + (step - barWidth) / 2;
          const y = top + plotHeight - height;
          const isSelected = month === selected;
          return (
            // biome-ignore lint/a11y/useSemanticElements: a button of HTML cannot stand inside an SVG
            <g
              key={month}
              role="button"
              tabIndex={0}
              aria-pressed={isSelected}
              aria-label={`${monthName(month)}: ${money(totalCents, currency)}`}
              className={isSelected ? "bar-of-month selected" : "bar-of-month"}
              onClick={() => onSelect(month)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                onSelect(month);
              }}
            >
              <rect className="reach" x={index * step} y="0" width={step} height={plotHeight + top + 22} rx="6" />
              <rect className="amount" x={x} y={y} width={barWidth} height={height} rx={Math.min(5, height / 2)} />
              {isSelected && totalCents > 0 && (
                <text x={x + barWidth / 2} y={y - 6} className="value">
                  {roundMoney(totalCents, currency)}
                </text>
              )}
              <text x={x + barWidth / 2} y={top + plotHeight + 16}>
                {monthName(month, "short")}
              </text>
            </g>
          );
        })}
      </svg>
    </figure>
  );
}
