// The judge: one pure function folds each interval of counts into evidence that may be looked at after every interval.
// The algorithm as a whole is docs/judge.md; this file is its order of events.

import { onto } from "../buckets.ts";
import { type Buckets, type Interval, isGap, type Observation, type Stratum } from "../evidence.ts";
import type { Ms } from "../frame.ts";
import { closeBlocks, type Pairs, pairsOf, plusPairs, withNewcomers } from "./blocks.ts";
import { clumpedErrors } from "./clumps.ts";
import { service, total } from "./counts.ts";
import { type Circumstances, harm, outage } from "./harm.ts";
import { health, logHealth } from "./health.ts";
import { added, emptyLedger, entered, type Sums } from "./ledger.ts";
import { everyStart } from "./mixture.ts";
import { defaults, type Parameters } from "./parameters.ts";
import { type Books, logTotal, partsOf, plannedIntervals } from "./parts.ts";
import { isCalm, pastOf, refreshed, remembered } from "./past.ts";
import { type History, type JudgeState, newStep, type StepSoFar } from "./state.ts";
import { tolerance } from "./tolerance.ts";
import { whyUnusable, wrongCounts } from "./usable.ts";
import { firmLogE } from "./verdict.ts";

export interface Beginning {
  readonly history: History;
  /** Routes told apart, at most 20 by traffic. */
  readonly strata: readonly Stratum[];
  readonly buckets: Buckets;
  readonly parameters?: Partial<Parameters>;
  /** Candidate's share of the requests in the first step, 0 … 1, where it is known. */
  readonly share?: number;
}

/** Before the candidate gets its first traffic. */
export function begin({ history, strata, buckets, parameters, share }: Beginning): JudgeState {
  const p = { ...defaults, ...parameters };
  const sorted = [...strata].sort();
  const usable = history.intervals.filter((stable) => wrongCounts("stable", stable, buckets) === null);
  const books: Books = {
    ledger: emptyLedger(sorted),
    bases: p.starts.map(() => null),
    crash: [null, null],
    intervals: 0,
  };
  return {
    parameters: p,
    buckets,
    strata: sorted,
    routes: sorted,
    tolerance: tolerance(history.podLogSd, p),
    firm: p.firm && { tolerance: tolerance(history.podLogSd, p, p.firm), books, logE: 0 },
    sinceMs: null,
    untilMs: null,
    warmUp: { sinceMs: null, requests: 0, isOn: true },
    past: pastOf(usable, p),
    open: {},
    books,
    seen: {},
    seenAt: p.starts.map(() => null),
    step: { ...newStep, share: share ?? null },
    blackout: null,
    logE: 0,
    logHealth: 0,
    failedAtMs: null,
  };
}

/**
 * The next step of the same rollout: weights change, the evidence of harm goes on. A block must not mix two shares of
 * traffic, so open ones are dropped; health is to be shown anew; replicas that are new warm up again.
 */
export function nextStep(state: JudgeState, step: { share?: number; newReplicas?: boolean }): JudgeState {
  const warmUp = step.newReplicas ? { sinceMs: null, requests: 0, isOn: true } : state.warmUp;
  return { ...state, warmUp, open: {}, step: { ...newStep, share: step.share ?? null }, logHealth: 0 };
}

/** Folds one interval, or the gap where one should have been. */
export function observe(state: JudgeState, interval: Observation): JudgeState {
  if (isGap(interval)) return dropped(state, interval, interval.missing);
  const because = whyUnusable(state, interval);
  if (because !== null) return dropped(state, interval, because);
  const counted = interval.buckets === undefined ? interval : onto(interval, state.buckets);
  return judged(prepared(state, counted), counted);
}

function dropped(state: JudgeState, time: { startMs: Ms; endMs: Ms }, because: string): JudgeState {
  const { blackout: before, step } = state;
  const lastMs = before?.untilMs ?? state.untilMs ?? 0;
  const startMs = Number.isFinite(time.startMs) ? time.startMs : lastMs;
  const endMs = Number.isFinite(time.endMs) ? time.endMs : lastMs;
  return {
    ...state,
    blackout: { sinceMs: before?.sinceMs ?? state.untilMs ?? startMs, untilMs: Math.max(lastMs, endMs), because },
    step: { ...step, sinceMs: step.sinceMs ?? startMs, dropped: step.dropped + 1, droppedBecause: because },
  };
}

/** What is known before the interval is looked at: starts that have come, cuts and clumping of this minute. */
function prepared(state: JudgeState, interval: Interval): JudgeState {
  const { parameters: p, past } = state;
  const routes = withNewcomers(state.routes, interval);
  // Without a history to name them, the strata are those of the first interval.
  const isUnnamed = state.sinceMs === null && state.strata.length === 0;
  const sinceMs = state.sinceMs ?? interval.startMs;
  const elapsedMs = interval.startMs - sinceMs;
  const isDue = (s: number) => elapsedMs >= (p.starts[s] ?? 0) * p.plannedMs;
  const minute = Math.floor(elapsedMs / 60_000);
  const opened = (books: Books): Books => {
    const ledger = isUnnamed ? emptyLedger(routes) : books.ledger;
    return { ...books, ledger, bases: books.bases.map((base, s) => base ?? (isDue(s) ? ledger : null)) };
  };
  const books = opened(state.books);
  return {
    ...state,
    sinceMs,
    strata: isUnnamed ? routes : state.strata,
    routes,
    books,
    firm: state.firm && { ...state.firm, books: state.firm.books === state.books ? books : opened(state.firm.books) },
    seenAt: state.seenAt.map((seen, s) => seen ?? (isDue(s) ? state.seen : null)),
    past: minute > past.minute ? refreshed(past, minute, p) : past,
  };
}

function judged(state: JudgeState, interval: Interval): JudgeState {
  const { parameters: p, past } = state;
  const pairs = pairsOf(interval, state.routes);
  const warmUp = warmed(state, interval);
  const blocks = closeBlocks(state.open, pairs, p);
  const now: Circumstances = {
    past,
    isWarmUp: warmUp.isOn,
    tolerance: state.tolerance,
    clumps: p.clumps,
    buckets: state.buckets,
    parameters: p,
  };
  const books = entries(state.books, blocks.closed, now);
  const logE = logTotal(partsOf(books, state.strata, p));
  const firm = firmly(state, blocks.closed, { now, alike: { books, logE } });
  const step = stepped(state.step, interval, blocks.closed, now);
  return {
    ...state,
    untilMs: interval.endMs,
    warmUp,
    past: remembered(past, pairs),
    open: blocks.open,
    books,
    firm,
    seen: plusPairs(state.seen, pairs),
    step,
    blackout: null,
    logE,
    logHealth: logHealth(step.health),
    failedAtMs: state.failedAtMs ?? (firmLogE({ logE, firm }) >= -Math.log(p.alpha) ? interval.endMs : null),
  };
}

/** The same blocks under the firm allowance; `alike` as long as the two allow the same. */
function firmly(
  { firm, strata, books: usual }: JudgeState,
  closed: Pairs,
  { now, alike }: { readonly now: Circumstances; readonly alike: { readonly books: Books; readonly logE: number } },
): JudgeState["firm"] {
  const { parameters: p, past } = now;
  if (firm === null || p.firm === null) return null;
  const { seenMin } = p.firm.clumps;
  const isClumped = [past.errorClumping, ...past.slowClumping].some((clumping) => clumping >= seenMin);
  if (firm.books === usual && firm.tolerance === now.tolerance && !isClumped) return { ...firm, ...alike };
  const books = entries(firm.books, closed, { ...now, tolerance: firm.tolerance, clumps: p.firm.clumps });
  return { ...firm, books, logE: logTotal(partsOf(books, strata, p)) };
}

/** Warm-up lasts a minute, and until the candidate had its first requests, but not for ever. */
function warmed({ warmUp, parameters: p }: JudgeState, { startMs, endMs, candidate }: Interval): JudgeState["warmUp"] {
  const sinceMs = warmUp.sinceMs ?? startMs;
  const requests = warmUp.requests + service(candidate).requests;
  const ageMs = endMs - sinceMs;
  const isOn = ageMs <= p.warmUp.ms || (requests <= p.warmUp.requests && ageMs <= p.warmUp.msMax);
  return { sinceMs, requests, isOn };
}

function entries(books: Books, closed: Pairs, now: Circumstances): Books {
  const p = now.parameters;
  const cap = p.capShare * -Math.log(p.alpha);
  const increments: Record<Stratum, Sums> = {};
  for (const [stratum, block] of Object.entries(closed)) increments[stratum] = harm(stratum, block, now);
  return {
    ledger: entered(books.ledger, { increments, common: clumpedErrors(closed, now), cap }),
    bases: books.bases,
    crash: crashed(books, closed, p),
    intervals: books.intervals + 1,
  };
}

/** A cap of its own, so that two intervals in which most requests fail are enough. */
function crashed({ crash: [absolute, ratio], intervals: t }: Books, closed: Pairs, p: Parameters): [number, number] {
  const T = plannedIntervals(p);
  const cap = 0.75 * (Math.log(1 / p.alpha) - Math.log(p.crash / T));
  const increments = Object.values(closed).map((block) => outage(block, p));
  const sum = (values: readonly number[]) => Math.min(total(values), cap);
  return [
    everyStart(absolute, sum(increments.map(({ crashAbs }) => crashAbs)), t, T),
    everyStart(ratio, sum(increments.map(({ crashRatio }) => crashRatio)), t, T),
  ];
}

function stepped(step: StepSoFar, interval: Interval, closed: Pairs, now: Circumstances): StepSoFar {
  const stable = service(interval.stable);
  const candidate = service(interval.candidate);
  const blocks = Object.entries(closed);
  const circumstances = { ...now, isCalm: isCalm(now.past, stable) };
  const compared = blocks.reduce((sum, [, block]) => plusSides(sum, block.stable.requests, block.candidate.requests), {
    ...step.compared,
  });
  return {
    ...step,
    sinceMs: step.sinceMs ?? interval.startMs,
    usable: step.usable + 1,
    compared,
    requests: plusSides(step.requests, stable.requests, candidate.requests),
    silence: {
      stable: stable.requests > 0 ? 0 : step.silence.stable + candidate.requests,
      candidate: candidate.requests > 0 ? 0 : step.silence.candidate + stable.requests,
    },
    health: blocks.reduce((sums, [stratum, block]) => added(sums, health(stratum, block, circumstances)), step.health),
  };
}

function plusSides(sum: { stable: number; candidate: number }, stable: number, candidate: number) {
  return { stable: sum.stable + stable, candidate: sum.candidate + candidate };
}
