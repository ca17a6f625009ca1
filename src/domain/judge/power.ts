// What would be found, and how soon, on a service's own traffic; and the steps that follow from it.
// The judge itself is run on the counts to be expected of a named fault: no second theory that could disagree with it.
import type { Buckets, Counts, Interval, Stratum } from "../evidence.ts";
import type { Ms } from "../frame.ts";
import { service } from "./counts.ts";
import { begin, observe } from "./observe.ts";
import { defaults, type Parameters } from "./parameters.ts";
import { shift } from "./shift.ts";
import * as say from "./wording.ts";

/** A service as measured: its healthy version alone over some time. */
export interface Traffic {
  readonly strata: Readonly<Record<Stratum, Counts>>;
  readonly lastedMs: Ms;
  readonly buckets: Buckets;
  readonly podLogSd: number;
}

export type Fault =
  /** Errors of the candidate, 0 … 1. */
  | { readonly kind: "errors"; readonly rate: number; readonly stratum?: Stratum }
  /** Every request slower by this ratio. */
  | { readonly kind: "latency"; readonly ratio: number; readonly stratum?: Stratum };

export interface Question {
  readonly traffic: Traffic;
  /** Candidate's share of the requests, 0 … 1. */
  readonly share: number;
  readonly withinMs: Ms;
  readonly parameters?: Partial<Parameters>;
}

/** Time after which a typical canary with this fault is rolled back; null: not within the time asked. */
export function foundAfterMs(fault: Fault, question: Question): Ms | null {
  const { traffic, share, withinMs } = question;
  const p = { ...defaults, ...question.parameters, plannedMs: Math.max(withinMs, defaults.intervalMs) };
  const stable = perInterval(traffic, 1 - share, p.intervalMs);
  const candidate = hurt(perInterval(traffic, share, p.intervalMs), fault, traffic.buckets);
  const before = perInterval(traffic, 1, p.intervalMs);
  let state = begin({
    history: { intervals: Array.from({ length: 12 }, () => before), podLogSd: traffic.podLogSd },
    strata: Object.keys(traffic.strata),
    buckets: traffic.buckets,
    parameters: p,
  });
  for (let startMs = 0; startMs < withinMs; startMs += p.intervalMs) {
    const interval: Interval = { startMs, endMs: startMs + p.intervalMs, stable, candidate };
    state = observe(state, interval);
    if (state.failedAtMs !== null) return state.failedAtMs;
  }
  return null;
}

/** The smallest error rate, and the smallest slowdown, that a typical canary shows within the time; null: none would. */
export function smallestFound(question: Question): { errorRate: number | null; slowdown: number | null } {
  const { errors, requests } = service(question.traffic.strata);
  const usual = requests > 0 ? errors / requests : 0;
  const found = (fault: Fault) => foundAfterMs(fault, question) !== null;
  return {
    errorRate: smallest((share) => found({ kind: "errors", rate: share }), Math.max(usual, 1e-5), 1),
    slowdown: smallest((ratio) => found({ kind: "latency", ratio }), 1.01, 16),
  };
}

export interface PlannedStep {
  readonly share: number;
  readonly lastsMs: Ms;
  readonly because: string;
}

/** A fault that must not reach everybody: three times the usual errors (at least one in a hundred), or half as slow again. */
export function seriousFaults({ strata }: Pick<Traffic, "strata">): readonly Fault[] {
  const { errors, requests } = service(strata);
  const rate = Math.min(1, Math.max(0.01, (3 * errors) / Math.max(requests, 1)));
  return [
    { kind: "errors", rate },
    { kind: "latency", ratio: 1.5 },
  ];
}

/**
 * At most three steps: each share is kept for as long as the judge takes to find a serious fault at it. A share at which
 * that takes longer than `withinMs` is left out: it would expose people to a new version without learning anything.
 */
export function recommendedSteps({
  traffic,
  withinMs,
  parameters = {},
}: Omit<Question, "share">): readonly PlannedStep[] {
  const faults = seriousFaults(traffic);
  const steps = [0.01, 0.05, 0.1, 0.25, 0.5].flatMap((share): PlannedStep[] => {
    const times = faults.map((fault) => foundAfterMs(fault, { traffic, share, withinMs, parameters }));
    const slowest = times.reduce<Ms | null>((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0);
    if (slowest === null) return [];
    const lastsMs = 60_000 * Math.max(2, Math.ceil((1.5 * slowest) / 60_000));
    return [{ share, lastsMs, because: `a serious fault shows after ${say.span(slowest)} at ${say.percent(share)}` }];
  });
  const [first, ...rest] = steps;
  return first === undefined ? [] : [first, ...rest.filter(({ share }) => share >= 2 * first.share).slice(-2)];
}

/** Counts to be expected of one interval at a share of the traffic; fractions are fine. */
function perInterval({ strata, lastedMs }: Traffic, share: number, intervalMs: Ms): Record<Stratum, Counts> {
  const part = (share * intervalMs) / lastedMs;
  return mapped(strata, ({ requests, errors, latency }) => ({
    requests: part * requests,
    errors: part * errors,
    latency: latency.map((count) => part * count),
  }));
}

function hurt(strata: Record<Stratum, Counts>, fault: Fault, buckets: Buckets): Record<Stratum, Counts> {
  return mapped(strata, (counts, stratum) => {
    if (fault.stratum !== undefined && fault.stratum !== stratum) return counts;
    return fault.kind === "errors" ? failing(counts, fault.rate) : slowed(counts, fault.ratio, buckets);
  });
}

function failing({ requests, errors, latency }: Counts, rate: number): Counts {
  const kept = (requests * (1 - rate)) / Math.max(requests - errors, Number.MIN_VALUE);
  return { requests, errors: requests * rate, latency: latency.map((count) => count * Math.min(kept, 1)) };
}

/** `shift` makes faster; on the mirrored axis that is slower. */
function slowed(counts: Counts, ratio: number, { log2Edges }: Buckets): Counts {
  const buckets = log2Edges.length - 1;
  const padded = Array.from({ length: buckets }, (_, b) => counts.latency[b] ?? 0);
  const mirror = { log2Edges: log2Edges.map((edge) => -edge).reverse() };
  return { ...counts, latency: shift(padded.reverse(), ratio, mirror).reverse() };
}

function mapped(
  strata: Readonly<Record<Stratum, Counts>>,
  change: (counts: Counts, stratum: Stratum) => Counts,
): Record<Stratum, Counts> {
  return Object.fromEntries(Object.entries(strata).map(([stratum, counts]) => [stratum, change(counts, stratum)]));
}

/** Bisection on a log scale, to 5 %. */
function smallest(isFound: (size: number) => boolean, from: number, to: number): number | null {
  if (!isFound(to)) return null;
  let [low, high] = [from, to];
  while (high / low > 1.05) {
    const middle = Math.sqrt(low * high);
    if (isFound(middle)) high = middle;
    else low = middle;
  }
  return high;
}
