// Judges a bake against its checks: absolute limits, limits relative to stable, and probes. The simplest judge that is
// honest about what it does not know; the statistical one stands beside it, behind the same answer.
import type { Check, Finding, Judgement, Verdict } from "./check.ts";
import { type Buckets, type Counts, type Interval, nativeBuckets } from "./evidence.ts";
import type { Ms } from "./frame.ts";

export interface Watched {
  readonly service: string;
  readonly intervals: readonly Interval[];
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
  return { verdict: "pass", because: "no harm seen", findings };
}

function findingsOf(check: Check, observed: Observed, over: boolean): readonly Finding[] {
  switch (check.kind) {
    case "probe":
      return [probeFinding(check, observed.probes[check.name], over)];
    case "errors":
      return observed.services.map((watched) => errorsFinding(check, watched, over));
    case "latency":
      return observed.services.map((watched) => latencyFinding(check, watched, over));
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
  const [candidate, stable] = [total(watched.intervals, "candidate"), total(watched.intervals, "stable")];
  const name = `errors of ${watched.service}`;
  const rate = candidate.requests === 0 ? 0 : candidate.errors / candidate.requests;
  const counted = `${percent(rate)} (${candidate.errors} of ${candidate.requests})`;
  if (candidate.requests < check.minimumRequests) return tooFew(name, candidate.requests, check.minimumRequests, over);
  if (rate > check.rateMax) {
    return {
      check: name,
      verdict: "fail",
      because: `${name}: ${counted}, more than the limit of ${percent(check.rateMax)}`,
    };
  }
  const expected =
    check.timesStableMax === undefined ? undefined : allowedErrors(candidate, stable, check.timesStableMax);
  if (expected !== undefined && candidate.errors > expected) {
    const beside = percent(stable.errors / stable.requests);
    return { check: name, verdict: "fail", because: `${name}: ${counted} against ${beside} on stable` };
  }
  return { check: name, verdict: over ? "pass" : "watching", because: `${name}: ${counted}` };
}

/** Errors that `times` stable's rate would explain, with three standard deviations of a Poisson count for chance. */
function allowedErrors(candidate: Counts, stable: Counts, times: number): number | undefined {
  if (stable.requests === 0) return undefined;
  const mean = (candidate.requests * times * (stable.errors + 1)) / stable.requests;
  return mean + 3 * Math.sqrt(mean) + 1;
}

function latencyFinding(check: Extract<Check, { kind: "latency" }>, watched: Watched, over: boolean): Finding {
  const [candidate, stable] = [total(watched.intervals, "candidate"), total(watched.intervals, "stable")];
  const name = `p${round(check.quantile * 100)} latency of ${watched.service}`;
  const successes = candidate.requests - candidate.errors;
  if (successes < check.minimumRequests) return tooFew(name, successes, check.minimumRequests, over);
  const [here, there] = [quantile(candidate.latency, check.quantile), quantile(stable.latency, check.quantile)];
  const said = `${name}: ${Math.round(here)} ms`;
  if (here > check.limitMs)
    return { check: name, verdict: "fail", because: `${said}, more than the limit of ${check.limitMs} ms` };
  const enough = stable.requests - stable.errors >= check.minimumRequests;
  if (check.timesStableMax !== undefined && enough && here > there * check.timesStableMax) {
    return { check: name, verdict: "fail", because: `${said} against ${Math.round(there)} ms on stable` };
  }
  return { check: name, verdict: over ? "pass" : "watching", because: said };
}

function tooFew(check: string, had: number, wanted: number, over: boolean): Finding {
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
