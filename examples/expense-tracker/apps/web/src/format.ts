// Amounts, days and months as people write them; and an amount as they type it.
export function money(cents: number, currency: string): string {
  return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(cents / 100);
}

export function roundMoney(cents: number, currency: string): string {
  const options = { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(undefined, options).format(cents / 100);
}

/** Undefined if this is not an amount. `12`, `12.5`, `12,50` and `1 200.00` are. */
export function parseMoney(text: string): number | undefined {
  const plain = text.replace(/[\s'’]/g, "").replace(",", ".");
  return /^\d+(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : undefined;
}

export function monthName(month: string, style: "long" | "short" = "long"): string {
  const date = new Date(`${month}-15T12:00:00`);
  const options = style === "long" ? ({ month: "long", year: "numeric" } as const) : ({ month: "short" } as const);
  return date.toLocaleDateString(undefined, options);
}

export function dayName(day: string): string {
  return new Date(`${day}T12:00:00`).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "long" });
}

/** The day here, not in Greenwich. */
export function today(now = new Date()): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
