// A number of a metric source held against a limit. It is bad when it stood beyond the limit for the whole duration; where
// stable stands beyond it as well, that is not the release's doing.
import type { Check, Comparator, Finding } from "./check.ts";
import type { Ms } from "./frame.ts";

export type MetricCheck = Extract<Check, { kind: "metric" }>;
export type Sample = { readonly value: number } | { readonly missing: string };

/** What a check saw of one side so far. */
export interface SideWatch {
  readonly last: Sample;
  /** Its first value: what only grows is counted from there. */
  readonly first?: number;
  /** Since when every value was beyond the limit. */
  readonly beyondSinceMs?: Ms;
  /** When it last had a value; its first look until then. */
  readonly knownAtMs: Ms;
}

export interface MetricWatch {
  readonly atMs: Ms;
  readonly candidate: SideWatch;
  readonly stable?: SideWatch;
}

/** A source with no value for so long is errored, not slow. */
const silenceMaxMs: Ms = 30_000;

/** Whether the query tells the revisions apart: then stable is asked as well. */
export function isPerRevision({ source, query }: MetricCheck): boolean {
  return source === "host" || query.includes("$revision");
}

/** How often a source is asked: often enough to fill the duration, never more than once a second. */
export function sampleEveryMs({ forMs }: MetricCheck): Ms {
  return Math.max(1_000, Math.min(5_000, forMs / 3));
}

export function seen(before: SideWatch | undefined, sample: Sample, check: MetricCheck, atMs: Ms): SideWatch {
  if ("missing" in sample) {
    const { beyondSinceMs: _, ...rest } = before ?? { knownAtMs: atMs };
    return { ...rest, last: sample };
  }
  const first = before?.first ?? sample.value;
  const isBad = isBeyond(check.comparator, sample.value, check.limit);
  return {
    last: sample,
    first,
    knownAtMs: atMs,
    ...(isBad ? { beyondSinceMs: before?.beyondSinceMs ?? atMs } : {}),
  };
}

export function isBeyond(comparator: Comparator, value: number, limit: number): boolean {
  return beyond[comparator](value, limit);
}

const beyond: Record<Comparator, (value: number, limit: number) => boolean> = {
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
};

export function metricFinding(
  check: MetricCheck,
  service: string,
  watch: MetricWatch | undefined,
  isOver: boolean,
): Finding {
  const name = `${check.name} of ${service}`;
  if (watch === undefined) return waiting(check, name, "it was not asked yet", isOver);
  const { candidate, stable, atMs } = watch;
  if ("missing" in candidate.last) {
    const isSilent = atMs - candidate.knownAtMs >= silenceMaxMs && check.isOptional !== true;
    const because = `${name}: no value from ${check.source}: ${candidate.last.missing}`;
    return isSilent ? { check: name, verdict: "errored", because } : waiting(check, name, because, isOver);
  }
  const said = `${name}: ${round(candidate.last.value)}, limit ${check.comparator} ${round(check.limit)}`;
  const sinceMs = candidate.beyondSinceMs;
  if (sinceMs === undefined || atMs - sinceMs < check.forMs)
    return { check: name, verdict: sinceMs === undefined ? "pass" : "watching", because: said };
  const lasting = `absolute limit: ${name} was ${round(candidate.last.value)}, ${comparatorWords[check.comparator]} ${round(check.limit)} for ${Math.round((atMs - sinceMs) / 1000)} s`;
  if (stable !== undefined && isBeyondToo(check, stable)) {
    const verdict = isOver ? "inconclusive" : "watching";
    return { check: name, verdict, because: `${lasting}; stable is beyond it too, so it is not the release` };
  }
  return { check: name, verdict: "fail", because: lasting };
}

/** What only grows is counted from when we first looked: stable has been running for longer. */
function isBeyondToo(check: MetricCheck, { last, first = 0 }: SideWatch): boolean {
  if ("missing" in last) return false;
  return beyond[check.comparator](check.query === "restarts" ? last.value - first : last.value, check.limit);
}

function waiting(check: MetricCheck, name: string, because: string, isOver: boolean): Finding {
  if (!isOver) return { check: name, verdict: check.isOptional === true ? "pass" : "watching", because };
  if (check.isOptional === true) return { check: name, verdict: "pass", because: `${name}: not judged, ${because}` };
  return { check: name, verdict: "inconclusive", because };
}

/** "cpu more than 90" is bad. */
export const comparatorWords: Record<Comparator, string> = {
  ">": "more than",
  ">=": "at least",
  "<": "less than",
  "<=": "at most",
};

function round(value: number): number {
  return Number(value.toPrecision(4));
}
