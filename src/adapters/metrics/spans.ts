// Counters of any source as spans, "this replica's counters rose by so much from here to there", and spans cut into the
// judge's intervals. Differences of raw counters, never an extrapolated rate: whole requests on both sides.
import type { Counts, Observation, Stratum } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";
import { inBuckets, type Layout, layoutOf, type UpTo } from "./layout.ts";

export type Side = "stable" | "candidate";

/** Of one route: requests, errors, and the latency of its successes. */
interface Rise {
  readonly requests: number;
  readonly errors: number;
  readonly upTo: UpTo;
}

/** What one replica (or gateway) counted of one side between two of its own reports. */
export interface Span {
  readonly side: Side;
  readonly reporter: string;
  readonly fromMs: Ms;
  readonly toMs: Ms;
  readonly rises: Readonly<Record<Stratum, Rise>>;
}

/** A time for which a reporter's counts cannot be known: it is left out, never filled in. */
export interface Blank {
  readonly side: Side;
  readonly reporter: string;
  readonly fromMs: Ms;
  readonly toMs: Ms;
  readonly because: string;
}

export interface Cutting {
  readonly spans: readonly Span[];
  readonly blanks: readonly Blank[];
  readonly sides: readonly Side[];
  readonly sinceMs: Ms;
  readonly nowMs: Ms;
  readonly intervalMs: Ms;
  /** Between two reports of the same reporter, usually: what is late by more than 2.5 of them will not come. */
  readonly spacingMs: Ms;
}

/** Reports farther apart than this many usual ones have something missing between them. */
export const spacingsMax = 2.5;

/**
 * Whole intervals since then, in order, up to the first that a late report may still change; a gap where one side was not
 * seen. Before the candidate was first seen it had no request: there its counts are empty.
 */
export function cut(cutting: Cutting): readonly Observation[] {
  const { spans, sinceMs, nowMs, intervalMs, sides } = cutting;
  const layout = layoutOf(spans.flatMap(({ rises }) => Object.values(rises).map(({ upTo }) => upTo)));
  const firstSeenMs = Math.min(...spans.filter(({ side }) => side === "candidate").map(({ fromMs }) => fromMs));
  const observations: Observation[] = [];
  for (let startMs = Math.ceil(sinceMs / intervalMs) * intervalMs; ; startMs += intervalMs) {
    const time = { startMs, endMs: startMs + intervalMs };
    if (time.endMs > nowMs || !isSettled(time.endMs, cutting)) return observations;
    const expected = sides.filter((side) => side === "stable" || firstSeenMs < time.endMs);
    const unseen = expected.find((side) => !isSeen(side, time, spans));
    if (unseen !== undefined) observations.push({ ...time, missing: whyUnseen(unseen, time, cutting) });
    else {
      const of = (side: Side) => (sides.includes(side) ? countsOf(side, time, { spans, layout }) : {});
      const buckets = layout === undefined ? {} : { buckets: layout.buckets };
      observations.push({ ...time, stable: of("stable"), candidate: of("candidate"), ...buckets });
    }
  }
}

type Time = { readonly startMs: Ms; readonly endMs: Ms };

/** Every reporter that is alive has reported beyond this moment, or is late beyond hope. */
function isSettled(ms: Ms, { spans, blanks, nowMs, spacingMs }: Cutting): boolean {
  if (nowMs - ms >= spacingsMax * spacingMs) return true;
  const last = new Map<string, Ms>();
  for (const { reporter, toMs } of [...spans, ...blanks]) last.set(reporter, Math.max(toMs, last.get(reporter) ?? 0));
  return [...last.values()].every((toMs) => toMs >= ms || nowMs - toMs > spacingsMax * spacingMs) && last.size > 0;
}

/** At least one reporter saw this side from the beginning of the interval to its end. */
function isSeen(side: Side, { startMs, endMs }: Time, spans: readonly Span[]): boolean {
  const reach = new Map<string, Ms>();
  const mine = spans.filter((span) => span.side === side && span.toMs > startMs && span.fromMs < endMs);
  for (const { reporter, fromMs, toMs } of mine.toSorted((a, b) => a.fromMs - b.fromMs)) {
    if (fromMs <= (reach.get(reporter) ?? startMs)) reach.set(reporter, toMs);
  }
  return [...reach.values()].some((toMs) => toMs >= endMs);
}

const names: Record<Side, string> = { stable: "stable", candidate: "the new version" };

function whyUnseen(side: Side, { startMs, endMs }: Time, { blanks }: Cutting): string {
  const blank = blanks.find((one) => one.side === side && one.toMs > startMs && one.fromMs < endMs);
  return blank === undefined ? `no report of ${names[side]} for this interval` : `${names[side]}: ${blank.because}`;
}

function countsOf(
  side: Side,
  time: Time,
  { spans, layout }: { readonly spans: readonly Span[]; readonly layout: Layout | undefined },
): Readonly<Record<Stratum, Counts>> {
  const parts = new Map<Stratum, { rise: Rise; part: (rise: number) => number }[]>();
  for (const span of spans) {
    if (span.side !== side || span.toMs <= time.startMs || span.fromMs >= time.endMs) continue;
    const part = partOf(span, time);
    for (const [stratum, rise] of Object.entries(span.rises)) {
      parts.set(stratum, [...(parts.get(stratum) ?? []), { rise, part }]);
    }
  }
  const strata = [...parts].map(([stratum, mine]): [Stratum, Counts] => {
    const sum = (of: (rise: Rise) => number) => mine.reduce((all, { rise, part }) => all + part(of(rise)), 0);
    return [
      stratum,
      {
        requests: sum(({ requests }) => requests),
        errors: sum(({ errors }) => errors),
        latency: layout === undefined ? [] : inBuckets((edge) => sum(({ upTo }) => upTo.get(edge) ?? 0), layout),
      },
    ];
  });
  return Object.fromEntries(strata.filter(([, { requests }]) => requests > 0));
}

/**
 * How much of a span's rise falls into the interval: evenly over time, and whole, since both ends of each cut are rounded the
 * same way. What one interval does not get its neighbour does: nothing is counted twice or lost.
 */
function partOf({ fromMs, toMs }: Span, { startMs, endMs }: Time): (rise: number) => number {
  const until = (ms: Ms) => (rise: number) =>
    ms >= toMs ? rise : ms <= fromMs ? 0 : Math.floor((rise * (ms - fromMs)) / (toMs - fromMs));
  return (rise) => until(endMs)(rise) - until(startMs)(rise);
}

const routesMax = 20;

/** The busiest routes by name, the rest as "other": a route label with identifiers in it must not make thousands. */
export function withFewRoutes(spans: readonly Span[]): readonly Span[] {
  const requests = new Map<Stratum, number>();
  for (const { rises } of spans) {
    for (const [stratum, rise] of Object.entries(rises)) {
      requests.set(stratum, (requests.get(stratum) ?? 0) + rise.requests);
    }
  }
  if (requests.size <= routesMax) return spans;
  const ranked = [...requests].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const named = new Set(ranked.slice(0, routesMax).map(([stratum]) => stratum));
  return spans.map((span) => ({
    ...span,
    rises: merged(span.rises, (stratum) => (named.has(stratum) ? stratum : "other")),
  }));
}

function merged(rises: Span["rises"], name: (stratum: Stratum) => Stratum): Span["rises"] {
  const sums: Record<Stratum, Rise> = {};
  for (const [stratum, rise] of Object.entries(rises)) sums[name(stratum)] = plus(sums[name(stratum)], rise);
  return sums;
}

function plus(a: Rise | undefined, b: Rise): Rise {
  if (a === undefined) return b;
  if (a.upTo.size === 0 || b.upTo.size === 0) {
    return { requests: a.requests + b.requests, errors: a.errors + b.errors, upTo: a.upTo.size > 0 ? a.upTo : b.upTo };
  }
  const upTo = new Map(
    [...a.upTo].flatMap(([edge, n]) => (b.upTo.has(edge) ? [[edge, n + (b.upTo.get(edge) ?? 0)]] : [])),
  );
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, upTo };
}
