// Two Prometheus that scrape the same things never quite agree: they scrape at other moments, and each misses its own.
// Interval by interval, what they agree on is taken; where one saw less, the other; where both saw all and differ, neither.
import { type Interval, isGap, type Observation } from "../../../domain/evidence.ts";
import type { Ms } from "../../../domain/frame.ts";
import type { Span } from "../spans.ts";

export interface Seen {
  readonly url: string;
  readonly observations: readonly Observation[];
  readonly spans: readonly Span[];
}

/** As far as all of those that answered have come. */
export function agreed(seen: readonly Seen[]): readonly Observation[] {
  const [first, ...others] = seen;
  if (first === undefined) return [];
  if (others.length === 0) return first.observations;
  return first.observations.flatMap(({ startMs }) => {
    const views = seen.flatMap((one): View[] => {
      const observation = one.observations.find((other) => other.startMs === startMs);
      return observation === undefined ? [] : [{ ...one, observation }];
    });
    return views.length < seen.length ? [] : [oneOf(views)];
  });
}

interface View extends Seen {
  readonly observation: Observation;
}

function oneOf(views: readonly View[]): Observation {
  const usable = views.flatMap(({ observation, ...view }) =>
    isGap(observation) ? [] : [{ ...view, interval: observation }],
  );
  const [first, ...others] = usable.toSorted((a, b) => reportersOf(b) - reportersOf(a));
  const lost = views.find(({ observation }) => isGap(observation));
  if (first === undefined) return lost?.observation ?? { startMs: 0, endMs: 0, missing: "no answer" };
  const chosen = (because: string): Interval => ({ ...first.interval, remark: `from ${first.url}: ${because}` });
  if (others.length === 0) {
    return chosen(
      lost !== undefined && isGap(lost.observation) ? `${lost.url} has ${lost.observation.missing}` : "alone",
    );
  }
  const equals = others.filter((other) => reportersOf(other) === reportersOf(first));
  const against = equals.find((other) => !isAlike(requestsOf(first.interval), requestsOf(other.interval)));
  if (against !== undefined) {
    const { startMs, endMs } = first.interval;
    const said = [first, against]
      .map(({ url, interval }) => `${url} counted ${requestsOf(interval)} requests`)
      .join(", ");
    return { startMs, endMs, missing: `${said} in the same interval: they do not scrape the same` };
  }
  return equals.length === others.length ? first.interval : chosen("others saw fewer of the replicas");
}

function reportersOf({
  interval: { startMs, endMs },
  spans,
}: {
  readonly interval: Interval;
  readonly spans: readonly Span[];
}): number {
  const within = spans.filter(({ fromMs, toMs }) => fromMs < endMs && toMs > startMs);
  return new Set(within.map(({ side, reporter }) => `${side} ${reporter}`)).size;
}

function requestsOf({ stable, candidate }: Interval): number {
  return [stable, candidate]
    .flatMap(Object.values<{ requests: number }>)
    .reduce((sum, { requests }) => sum + requests, 0);
}

/** Scraped at other moments they differ by what came in between: a tenth, and what chance does to small counts. */
function isAlike(a: number, b: number): boolean {
  const most = Math.max(a, b);
  return Math.abs(a - b) <= 0.1 * most + 4 * Math.sqrt(most) + 1;
}

/** Beyond this a clock is not late but wrong: intervals of one side would be compared with others of the other. */
export const clockDifferenceMaxMs: Ms = 5_000;
