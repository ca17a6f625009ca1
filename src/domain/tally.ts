// What a bake has counted of one service so far, as much of it as absolute limits look at: the sums of the whole, and the last
// minute interval by interval. However long a bake lasts, this stays small; the intervals themselves are kept as evidence.
import { aligned, bucketsOf, onto } from "./buckets.ts";
import { type Buckets, type Counts, type Interval, isGap, nativeBuckets, type Observation } from "./evidence.ts";
import type { Ms } from "./frame.ts";
import { nothing, plus, total as sumOf } from "./judge/counts.ts";
import { whyUnusable } from "./judge/usable.ts";

/** An interval with all routes together. */
export interface Part {
  readonly startMs: Ms;
  readonly endMs: Ms;
  readonly stable: Counts;
  readonly candidate: Counts;
}

export interface Tally {
  /** Observations of any kind: those that may be counted, and those that may not, with the last reason. */
  readonly usable: number;
  readonly dropped: number;
  readonly lastDropped?: { readonly endMs: Ms; readonly because: string };
  /** When the last observation, and the last usable one, began and ended. */
  readonly last?: Stretch;
  readonly lastUsable?: Stretch;
  /** Of all counts here: those of the first usable interval. */
  readonly buckets: Buckets;
  readonly whole: Pick<Part, "stable" | "candidate">;
  /** The last minute, or as much more as it takes to have the minimum of requests. */
  readonly recent: readonly Part[];
}

export interface Stretch {
  readonly startMs: Ms;
  readonly endMs: Ms;
}

export const untallied: Tally = {
  usable: 0,
  dropped: 0,
  buckets: nativeBuckets,
  whole: { stable: nothing, candidate: nothing },
  recent: [],
};

export interface Planned {
  /** Candidate's share of the requests, 0 … 1, where the weights decide it. */
  readonly share: number | null;
  /** The largest minimum of requests among the limits that will look. */
  readonly minimumRequests: number;
}

/** With one observation more. */
export function tallied(tally: Tally, one: Observation, { share, minimumRequests }: Planned): Tally {
  const last = { startMs: one.startMs, endMs: one.endMs };
  const because = isGap(one) ? one.missing : reasonAgainst(tally, one, share);
  if (isGap(one) || because !== null)
    return {
      ...tally,
      last,
      dropped: tally.dropped + 1,
      lastDropped: { endMs: one.endMs, because: because ?? "" },
    };
  const buckets = tally.usable === 0 ? bucketsOf(one) : tally.buckets;
  const part = partOf(onto(one, buckets));
  return {
    ...tally,
    last,
    lastUsable: last,
    buckets,
    usable: tally.usable + 1,
    whole: bothOf([tally.whole, part]),
    recent: worthKeeping([...tally.recent, part], minimumRequests),
  };
}

function reasonAgainst({ lastUsable, whole }: Tally, interval: Interval, share: number | null): string | null {
  const requests = { stable: whole.stable.requests, candidate: whole.candidate.requests };
  return whyUnusable(
    { untilMs: lastUsable?.endMs ?? null, buckets: nativeBuckets, step: { share, requests } },
    interval,
  );
}

/** Two sides, each added up over all of these. */
export function bothOf(parts: readonly Tally["whole"][]): Tally["whole"] {
  return parts.reduce(
    (sum, part) => ({ stable: plus(sum.stable, part.stable), candidate: plus(sum.candidate, part.candidate) }),
    untallied.whole,
  );
}

/** The same of intervals that are at hand, whatever buckets each is in. */
export function summed(intervals: readonly Interval[]): Pick<Tally, "buckets" | "whole"> {
  return { buckets: bucketsOf(intervals[0]), whole: bothOf(aligned(intervals).map(partOf)) };
}

function partOf({ startMs, endMs, stable, candidate }: Interval): Part {
  return { startMs, endMs, stable: together(stable), candidate: together(candidate) };
}

/** All routes of one side. */
function together(strata: Interval["stable"]): Counts {
  return Object.values(strata).reduce(plus, nothing);
}

const recentMs: Ms = 60_000;

/** The end of a list: a minute of it, or as much more as it takes until these counts have come to the minimum. */
export function lately(parts: readonly Part[], minimum: number, count: (side: Counts) => number): readonly Part[] {
  const endMs = parts.at(-1)?.endMs ?? 0;
  let sum = 0;
  let from = parts.length;
  while (from > 0) {
    const before = parts[from - 1];
    if (before === undefined || (before.startMs < endMs - recentMs && sum >= minimum)) break;
    sum += count(before.candidate);
    from -= 1;
  }
  return parts.slice(from);
}

/** As much as anything here looks at: by requests, by successes, and six parts however long they are. */
function worthKeeping(parts: readonly Part[], minimumRequests: number): readonly Part[] {
  const byRequests = lately(parts, minimumRequests, ({ requests }) => requests);
  const bySuccesses = lately(parts, minimumRequests, ({ latency }) => sumOf(latency));
  return parts.slice(-Math.max(byRequests.length, bySuccesses.length, 6));
}
