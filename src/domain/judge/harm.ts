// What one closed block says about harm: a log e-value for every bet of every stream.
import type { Buckets, Stratum } from "../evidence.ts";
import type { Pair } from "./blocks.ts";
import { total } from "./counts.ts";
import { type Sums, tailStream } from "./ledger.ts";
import type { Allowance, Parameters } from "./parameters.ts";
import type { Past } from "./past.ts";
import { logRanks } from "./rank.ts";
import { type Events, logAbsolute, logRate } from "./rate.ts";
import { shift } from "./shift.ts";
import { slow } from "./tail.ts";
import { temper } from "./temper.ts";

export interface Circumstances {
  readonly past: Past;
  readonly isWarmUp: boolean;
  readonly tolerance: number;
  readonly clumps: Allowance["clumps"];
  readonly buckets: Buckets;
  readonly parameters: Parameters;
}

export function harm(stratum: Stratum, block: Pair, now: Circumstances): Sums {
  return { ...errors(block, now), ...(now.isWarmUp ? warmUp(block, now) : latency(stratum, block, now)) };
}

/** The outage stream: most of the candidate's requests fail (alone: 90 % against 30 %), while stable's do not. */
export function outage(block: Pair, p: Parameters): { crashAbs: number; crashRatio: number } {
  return {
    crashAbs: logAbsolute(block.candidate.errors, block.candidate.requests, 0.9, 0.3),
    crashRatio: logRate(errorEvents(block), 50, p.errorRatioMax),
  };
}

export function errorEvents({ stable, candidate }: Pair): Events {
  return {
    candidate: candidate.errors,
    stable: stable.errors,
    candidateRequests: candidate.requests,
    stableRequests: stable.requests,
  };
}

/** Requests above the cut among the successes of both sides. */
export function slowEvents(candidate: readonly number[], stable: readonly number[], cut: number): Events {
  return {
    candidate: slow(candidate, cut),
    stable: slow(stable, cut),
    candidateRequests: total(candidate),
    stableRequests: total(stable),
  };
}

function clumpedRate(events: Events, bet: { r: number; r0: number }, seen: number, { clumps }: Circumstances): number {
  const isGeometric = clumps.model === "geometric" && seen >= clumps.seenMin;
  return logRate(events, bet.r, bet.r0) / (isGeometric ? temper(scaled(seen, clumps), events, bet) : seen);
}

/** The clumping that there is, from what is seen of it. */
export function scaled(seen: number, { scale }: Circumstances["clumps"]): number {
  return 1 + scale * (seen - 1);
}

function errors(block: Pair, now: Circumstances): Sums {
  const { past, parameters: p } = now;
  const events = errorEvents(block);
  const { errors, requests } = block.candidate;
  return {
    err: p.errorRatios.map((r) => clumpedRate(events, { r, r0: p.errorRatioMax }, past.errorClumping, now)),
    abs: p.errorRateFactors.map((f) => logAbsolute(errors, requests, f * p.errorRateMax, p.errorRateMax)),
  };
}

function latency(stratum: Stratum, { stable, candidate }: Pair, now: Circumstances): Sums {
  const { past, parameters: p } = now;
  const tolerated = shift(candidate.latency, now.tolerance, now.buckets);
  const sums: Record<string, readonly number[]> = { rank: logRanks(tolerated, stable.latency, p.tilts) };
  p.tailQuantiles.forEach((q, i) => {
    const events = slowEvents(tolerated, stable.latency, past.cuts[i]?.[stratum] ?? 0);
    sums[tailStream(q)] = p.tailRatios.map((r) => clumpedRate(events, { r, r0: 1 }, past.slowClumping[i] ?? 1, now));
  });
  return sums;
}

function warmUp({ stable, candidate }: Pair, { parameters: p, buckets }: Circumstances): Sums {
  const tolerated = shift(candidate.latency, p.warmUp.tolerance, buckets);
  return { warm: logRanks(tolerated, stable.latency, p.warmTilts) };
}
