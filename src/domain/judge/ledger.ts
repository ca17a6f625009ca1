// Running sums of log e-values: one number per stream and bet, for all strata together and for each alone.
import type { Stratum } from "../evidence.ts";

/** Log e-values by stream ("err", "abs", "rank", "warm", "tail 0.99" …), one per bet of its grid. */
export type Sums = Readonly<Record<string, readonly number[]>>;

export interface Ledger {
  readonly all: Sums;
  readonly each: Readonly<Record<Stratum, Sums>>;
}

export function emptyLedger(strata: readonly Stratum[]): Ledger {
  return { all: {}, each: Object.fromEntries(strata.map((stratum) => [stratum, {}])) };
}

export function tailStream(quantile: number): string {
  return `tail ${quantile}`;
}

export interface Entry {
  readonly increments: Readonly<Record<Stratum, Sums>>;
  /** Streams of all strata that are more than the sum of each. */
  readonly common: Sums;
  readonly cap: number;
}

/** Adds the increments of this interval's closed blocks. Each is capped, so that several intervals must agree. */
export function entered(ledger: Ledger, { increments, common: whole, cap }: Entry): Ledger {
  const common = { ...Object.values(increments).reduce((a, b) => added(a, b), {}), ...whole };
  const each: Record<Stratum, Sums> = {};
  for (const [stratum, sums] of Object.entries(ledger.each)) {
    const increment = increments[stratum];
    each[stratum] = increment ? added(sums, capped(increment, cap)) : sums;
  }
  return { all: added(ledger.all, capped(common, cap)), each };
}

export function added(sums: Sums, increment: Sums): Sums {
  const result: Record<string, readonly number[]> = { ...sums };
  for (const [stream, bets] of Object.entries(increment)) {
    const before = sums[stream];
    result[stream] = before ? bets.map((bet, j) => bet + (before[j] ?? 0)) : bets;
  }
  return result;
}

function capped(increment: Sums, cap: number): Sums {
  return Object.fromEntries(
    Object.entries(increment).map(([stream, bets]) => [stream, bets.map((bet) => Math.min(bet, cap))]),
  );
}
