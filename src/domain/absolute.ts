// Absolute limits on errors and latency. Both say: of all requests, at most this share may be bad (fail, or take longer).
// They are looked at after every interval, over the whole bake and over its last minute; so a limit counts as exceeded
// before the end only when chance is ruled out, by the same kind of evidence as the judge's (docs/judge.md). Where stable
// is beyond the limit too, that is not the release's doing: it never rolls back, and never passes either.

import type { Check, Finding } from "./check.ts";
import { type Buckets, type Counts, nativeBuckets } from "./evidence.ts";
import type { Ms } from "./frame.ts";
import { total as sum } from "./judge/counts.ts";
import { logMeanExp } from "./judge/mixture.ts";
import { logAbsolute } from "./judge/rate.ts";
import * as say from "./judge/wording.ts";
import { bothOf, lately, type Part, type Tally } from "./tally.ts";

export interface Looked {
  readonly service: string;
  readonly tally: Tally;
  readonly isFirst: boolean;
  readonly isOver: boolean;
}

type ErrorsCheck = Extract<Check, { kind: "errors" }>;
type LatencyCheck = Extract<Check, { kind: "latency" }>;

/** What a limit counts on one side. */
interface Bad {
  readonly bad: number;
  readonly of: number;
}

interface Limit {
  readonly name: string;
  /** Of all requests that count, at most this share may be bad. */
  readonly shareMax: number;
  readonly minimumRequests: number;
  count(side: Counts): Bad;
  /** What was measured, and what it was held against. */
  measured(side: Counts): string;
  readonly limit: string;
}

export function errorsFinding(check: ErrorsCheck, looked: Looked): Finding {
  return finding(
    {
      name: `errors of ${looked.service}`,
      shareMax: check.rateMax,
      minimumRequests: check.minimumRequests,
      count: ({ requests, errors }) => ({ bad: errors, of: requests }),
      measured: ({ requests, errors }) =>
        `${say.percent(requests === 0 ? 0 : errors / requests)} (${errors} of ${requests})`,
      limit: say.percent(check.rateMax),
    },
    looked,
  );
}

export function latencyFinding(check: LatencyCheck, looked: Looked): Finding {
  const { buckets } = looked.tally;
  return finding(
    {
      name: `p${Math.round(check.quantile * 1000) / 10} latency of ${looked.service}`,
      shareMax: 1 - check.quantile,
      minimumRequests: check.minimumRequests,
      count: ({ latency }) => ({ bad: slower(latency, check.limitMs, buckets), of: sum(latency) }),
      measured: ({ latency }) => say.latency(quantile(latency, check.quantile, buckets)),
      limit: say.latency(check.limitMs),
    },
    looked,
  );
}

/** One look at the whole; some sixty independent looks at the last minute of an hour. */
const oddsOfWhole = 100;
const oddsOfRecent = 1000;
/** A candidate this much worse than a stable side that is beyond the limit as well is not excused by it. */
const alikeMax = 2;

/** A bake is looked at more often than its counts change. */
const found = new WeakMap<Tally, Map<string, Finding>>();

function finding(limit: Limit, looked: Looked): Finding {
  const { name, shareMax, minimumRequests } = limit;
  const key = JSON.stringify([name, limit.limit, shareMax, minimumRequests, looked.isOver, looked.isFirst]);
  const known = found.get(looked.tally) ?? new Map<string, Finding>();
  const one = known.get(key) ?? freshFinding(limit, looked);
  found.set(looked.tally, known.set(key, one));
  return one;
}

function freshFinding(limit: Limit, looked: Looked): Finding {
  const { tally, isOver, isFirst } = looked;
  const { candidate, stable } = tally.whole;
  const { of } = limit.count(candidate);
  if (of < limit.minimumRequests) return tooFew(limit, { had: of, isOver, isFirst });
  const recent = lately(tally.recent, limit.minimumRequests, (side) => limit.count(side).of);
  const whole: Window = { when: "", candidate, stable, odds: oddsOfWhole, isLast: isOver };
  const when = ` in the last ${say.span(lengthOf(recent))}`;
  const now: Window = { when, ...bothOf(recent), odds: oddsOfRecent, isLast: false };
  const beyond = (recent.length === tally.usable ? [whole] : [whole, now]).filter((one) => isBeyond(limit, one));
  const own = beyond.find((one) => !isShared(limit, one));
  const said = `${limit.name}: ${limit.measured(candidate)}, limit ${limit.limit}`;
  if (own !== undefined) return { check: limit.name, verdict: "fail", because: exceeded(limit, own) };
  const [shared] = beyond;
  if (shared === undefined) return { check: limit.name, verdict: isOver ? "pass" : "watching", because: said };
  const because = `${exceeded(limit, shared)}; but stable has ${limit.measured(shared.stable)}, so it is not the release`;
  // What both went through and is over by now keeps nobody waiting.
  const isPast = !isBeyond(limit, { ...now, isLast: true });
  return { check: limit.name, verdict: isOver ? (isPast ? "pass" : "inconclusive") : "watching", because };
}

function exceeded({ name, limit, measured }: Limit, { candidate, when }: Window): string {
  return `absolute limit: ${name} ${measured(candidate)}${when}, more than the limit of ${limit}`;
}

interface Window {
  readonly when: string;
  readonly candidate: Counts;
  readonly stable: Counts;
  readonly odds: number;
  /** The last look of a bake: what was measured counts as it stands. */
  readonly isLast: boolean;
}

function isBeyond(limit: Limit, { candidate, odds, isLast }: Window): boolean {
  const { bad, of } = limit.count(candidate);
  if (bad <= limit.shareMax * of) return false;
  return isLast || logEvidence(limit.count(candidate), limit.shareMax) >= Math.log(odds);
}

/** ln of the evidence against "at most this share is bad": bets on somewhat more, much more, and nearly all. */
function logEvidence({ bad, of }: Bad, shareMax: number): number {
  const bets = [1.5, 3, 10].map((factor) => factor * shareMax).filter((share) => share < 0.95);
  return logMeanExp([...bets, (1 + shareMax) / 2].map((share) => logAbsolute(bad, of, share, shareMax)));
}

function isShared(limit: Limit, { candidate, stable }: Window): boolean {
  const [here, there] = [limit.count(candidate), limit.count(stable)];
  if (there.of < limit.minimumRequests || there.bad <= limit.shareMax * there.of) return false;
  return here.bad / here.of <= alikeMax * (there.bad / there.of);
}

function lengthOf(parts: readonly Part[]): Ms {
  return (parts.at(-1)?.endMs ?? 0) - (parts[0]?.startMs ?? 0);
}

/** A first deployment may have no traffic yet: it goes on, and says that it was not judged. */
function tooFew({ name, minimumRequests }: Limit, sample: { had: number; isOver: boolean; isFirst: boolean }): Finding {
  const { had, isOver, isFirst } = sample;
  if (isOver && isFirst)
    return {
      check: name,
      verdict: "pass",
      because: `${name}: not judged, a first deployment with ${had} requests`,
      isUnjudged: true,
    };
  const because = `${name}: too few requests, the candidate had ${had} of ${minimumRequests}`;
  return { check: name, verdict: isOver ? "inconclusive" : "watching", because };
}

/** Upper edge, in milliseconds, of the bucket in which the quantile (0 to 1) falls; 0 when there is nothing. */
export function quantile(latency: readonly number[], q: number, buckets: Buckets = nativeBuckets): Ms {
  const all = sum(latency);
  let below = 0;
  const found = latency.findIndex((count) => {
    below += count;
    return count > 0 && below >= q * all;
  });
  return found < 0 ? 0 : upperEdge(found, buckets);
}

/** Requests in buckets that lie wholly beyond the limit. */
function slower(latency: readonly number[], limitMs: Ms, { log2Edges }: Buckets): number {
  const log2Limit = Math.log2(limitMs);
  const first = log2Edges.findIndex((edge) => edge >= log2Limit);
  return first < 0 ? 0 : sum(latency.slice(first));
}

function upperEdge(bucket: number, { log2Edges }: Buckets): Ms {
  return 2 ** (log2Edges[bucket + 1] ?? log2Edges.at(-1) ?? 0);
}
