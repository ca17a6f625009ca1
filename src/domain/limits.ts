// Judges a bake against its checks: absolute limits and probes here, the comparison with stable as the judge found it.
// One verdict comes of all findings; what is not known is said, and is never a pass.
import type { Check, Finding, Judgement, Verdict } from "./check.ts";
import { type Buckets, type Counts, type Interval, nativeBuckets } from "./evidence.ts";
import type { Ms } from "./frame.ts";

export interface Watched {
  readonly service: string;
  /** Nothing stood here before: there is nobody to compare with, and perhaps nobody to serve yet. */
  readonly isFirst: boolean;
  readonly intervals: readonly Interval[];
  /** What the judge makes of candidate against stable; absent where there is nothing to compare with. */
  readonly comparison?: Omit<Finding, "check">;
}

export interface ProbeCount {
  readonly failedInARow: number;
  readonly passed: number;
  readonly because: string;
}

export interface Observed {
  readonly services: readonly Watched[];
  readonly probes: Readonly<Record<string, ProbeCount>>;
  readonly elapsedMs: Ms;
  readonly lastsMs: Ms;
  /** Set while a source has not answered for longer than is bearable. */
  readonly sourceDown?: string;
}

const failedProbesMax = 2;

export function judge(checks: readonly Check[], observed: Observed): Judgement {
  const over = observed.elapsedMs >= observed.lastsMs;
  const findings = checks.flatMap((check) => findingsOf(check, observed, over));
  const failed = findings.find((finding) => finding.verdict === "fail");
  if (failed !== undefined) return { verdict: "fail", because: failed.because, findings };
  if (observed.sourceDown !== undefined) return { verdict: "errored", because: observed.sourceDown, findings };
  if (!over) return { verdict: "watching", because: "the bake is not over", findings };
  const unknown = findings.find((finding) => finding.verdict === "inconclusive");
  if (unknown !== undefined) return { verdict: "inconclusive", because: unknown.because, findings };
  const unjudged = findings.filter((finding) => finding.because.includes("not judged"));
  const because =
    unjudged.length === 0 ? "no harm seen" : `no harm seen; ${unjudged.length} of ${findings.length} checks not judged`;
  return { verdict: "pass", because, findings };
}

function findingsOf(check: Check, observed: Observed, over: boolean): readonly Finding[] {
  switch (check.kind) {
    case "probe":
      return [probeFinding(check, observed.probes[check.name], over)];
    case "errors":
      return observed.services.map((watched) => errorsFinding(check, watched, over));
    case "latency":
      return observed.services.map((watched) => latencyFinding(check, watched, over));
    case "comparison":
      return observed.services.map(comparisonFinding);
  }
}

function probeFinding(check: Extract<Check, { kind: "probe" }>, count: ProbeCount | undefined, over: boolean): Finding {
  const name = `${check.method} ${check.url}`;
  if (count === undefined)
    return { check: name, verdict: over ? "inconclusive" : "watching", because: `${name} was not asked yet` };
  if (count.failedInARow >= failedProbesMax) {
    return {
      check: name,
      verdict: "fail",
      because: `${name} failed ${count.failedInARow} times in a row: ${count.because}`,
    };
  }
  return { check: name, verdict: count.passed > 0 ? "pass" : "watching", because: count.because };
}

function errorsFinding(check: Extract<Check, { kind: "errors" }>, watched: Watched, over: boolean): Finding {
  const candidate = total(watched.intervals, "candidate");
  const name = `errors of ${watched.service}`;
  const rate = candidate.requests === 0 ? 0 : candidate.errors / candidate.requests;
  const counted = `${percent(rate)} (${candidate.errors} of ${candidate.requests})`;
  if (candidate.requests < check.minimumRequests)
    return tooFew(name, { had: candidate.requests, wanted: check.minimumRequests, over, isFirst: watched.isFirst });
  if (rate > check.rateMax) {
    return {
      check: name,
      verdict: "fail",
      because: `${name}: ${counted}, more than the limit of ${percent(check.rateMax)}`,
    };
  }
  return { check: name, verdict: over ? "pass" : "watching", because: `${name}: ${counted}` };
}

function comparisonFinding({ service, comparison }: Watched): Finding {
  const check = `${service} against stable`;
  if (comparison !== undefined) return { check, ...comparison };
  return { check, verdict: "pass", because: `${check}: not judged, nothing there to compare with` };
}

function latencyFinding(check: Extract<Check, { kind: "latency" }>, watched: Watched, over: boolean): Finding {
  const candidate = total(watched.intervals, "candidate");
  const name = `p${round(check.quantile * 100)} latency of ${watched.service}`;
  const successes = candidate.requests - candidate.errors;
  if (successes < check.minimumRequests)
    return tooFew(name, { had: successes, wanted: check.minimumRequests, over, isFirst: watched.isFirst });
  const here = quantile(candidate.latency, check.quantile);
  const said = `${name}: ${Math.round(here)} ms`;
  if (here > check.limitMs)
    return { check: name, verdict: "fail", because: `${said}, more than the limit of ${check.limitMs} ms` };
  return { check: name, verdict: over ? "pass" : "watching", because: said };
}

interface Sample {
  readonly had: number;
  readonly wanted: number;
  readonly over: boolean;
  readonly isFirst: boolean;
}

/** A first deployment may have no traffic yet: it goes on, and says that it was not judged. */
function tooFew(check: string, { had, wanted, over, isFirst }: Sample): Finding {
  if (over && isFirst)
    return { check, verdict: "pass", because: `${check}: not judged, a first deployment with ${had} requests` };
  const verdict: Verdict | "watching" = over ? "inconclusive" : "watching";
  return { check, verdict, because: `${check}: too few requests, the candidate had ${had} of ${wanted}` };
}

/** All strata and intervals of one side, added up. */
export function total(intervals: readonly Interval[], side: "stable" | "candidate"): Counts {
  const parts = intervals.flatMap((interval) => Object.values(interval[side]));
  const length = Math.max(0, ...parts.map((part) => part.latency.length));
  const latency = new Array<number>(length).fill(0);
  for (const part of parts) {
    for (const [b, count] of part.latency.entries()) latency[b] = (latency[b] ?? 0) + count;
  }
  return {
    requests: parts.reduce((sum, part) => sum + part.requests, 0),
    errors: parts.reduce((sum, part) => sum + part.errors, 0),
    latency,
  };
}

/** Upper edge, in milliseconds, of the bucket in which the quantile (0 to 1) falls; 0 when there is nothing. */
export function quantile(latency: readonly number[], q: number, buckets: Buckets = nativeBuckets): Ms {
  const all = latency.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  const found = latency.findIndex((count) => {
    seen += count;
    return count > 0 && seen >= q * all;
  });
  return found < 0 ? 0 : 2 ** (buckets.log2Edges[found + 1] ?? buckets.log2Edges.at(-1) ?? 0);
}

function percent(rate: number): string {
  return `${round(rate * 100)} %`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
