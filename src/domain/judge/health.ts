// Evidence of health, for passing early: shown to be within the margin, on errors, on latency and on the tail.
import type { Stratum } from "../evidence.ts";
import type { Pair } from "./blocks.ts";
import { type Circumstances, errorEvents, slowEvents } from "./harm.ts";
import type { Sums } from "./ledger.ts";
import { logMeanExp } from "./mixture.ts";
import { logRanks } from "./rank.ts";
import { logAbsolute, logRate } from "./rate.ts";
import { shift } from "./shift.ts";

/** Log e-values of one closed block against "outside the margin"; errors only while stable is calm, latency not in warm-up. */
export function health(stratum: Stratum, block: Pair, now: Circumstances & { readonly isCalm: boolean }): Sums {
  return { ...(now.isCalm ? errors(block, now) : {}), ...(now.isWarmUp ? {} : latency(stratum, block, now)) };
}

/** ln of the evidence of health: the weakest of errors, latency and tail. */
export function logHealth(sums: Sums): number {
  const shown = (key: string) => logMeanExp(sums[key] ?? [0]);
  const errors = logMeanExp([shown("ratio"), shown("rate")]);
  return Math.min(errors, shown("rank"), shown("tail"));
}

function errors(block: Pair, { parameters: { health: margin } }: Circumstances): Sums {
  const { errors, requests } = block.candidate;
  return {
    ratio: margin.errorRatios.map((r) => logRate(errorEvents(block), r, margin.errorRatio)),
    rate: margin.errorRateFactors.map((f) => logAbsolute(errors, requests, f * margin.errorRate, margin.errorRate)),
  };
}

function latency(stratum: Stratum, { stable, candidate }: Pair, now: Circumstances): Sums {
  const margin = now.parameters.health;
  const within = shift(candidate.latency, Math.max(margin.latency, 1.06 * now.tolerance), now.buckets);
  const tail = slowEvents(candidate.latency, stable.latency, now.past.cuts[0]?.[stratum] ?? 0);
  return {
    rank: logRanks(within, stable.latency, margin.tilts),
    tail: margin.tailRatios.map((r) => logRate(tail, r, margin.tailRatio)),
  };
}
