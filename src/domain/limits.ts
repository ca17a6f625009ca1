// Judges a bake against its checks: the comparison with stable as the judge found it, and beside it absolute limits, probes
// and numbers of metric sources. One verdict comes of all findings; what is not known is said, and is never a pass.
import { errorsFinding, latencyFinding } from "./absolute.ts";
import type { Check, Finding, Judgement, Stance } from "./check.ts";
import type { Ms } from "./frame.ts";
import { nothing } from "./judge/counts.ts";
import { type MetricWatch, metricFinding } from "./metric.ts";
import { bothOf, type Tally, untallied } from "./tally.ts";

export interface Watched {
  readonly service: string;
  /** Nothing stood here before: there is nobody to compare with, and perhaps nobody to serve yet. */
  readonly isFirst: boolean;
  /** False for a queue worker: there are no requests to judge by. */
  readonly serves: boolean;
  readonly tally: Tally;
  /** What the judge makes of candidate against stable, or why there is nothing to compare. */
  readonly comparison: Omit<Finding, "check"> | { readonly notComparedFor: string };
  /** By the name of the check. */
  readonly metrics: Readonly<Record<string, MetricWatch>>;
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
  /** A bake ends between these two when health is shown, else with the second. */
  readonly earliestMs: Ms;
  readonly lastsMs: Ms;
  /** Set while a source has not answered for longer than is bearable. */
  readonly sourceDown?: string;
}

const probeFailuresMax = 1;

/** `fail` outranks the others; then what is not known; an early pass needs every check to be content. */
export function judge(checks: readonly Check[], observed: Observed): Judgement {
  const isOver = observed.elapsedMs >= observed.lastsMs;
  const findings = checks.flatMap((check) => findingsOf(check, observed, isOver));
  const failed = findings.find(({ verdict }) => verdict === "fail");
  if (failed !== undefined) return { verdict: "fail", because: failed.because, findings };
  if (observed.sourceDown !== undefined) return { verdict: "errored", because: observed.sourceDown, findings };
  const patchy = isOver ? observed.services.find(isPatchy) : undefined;
  if (patchy !== undefined) return { verdict: "errored", because: patchWords(patchy), findings };
  const first = (verdict: Stance) => findings.find((finding) => finding.verdict === verdict);
  const [errored, held, unknown] = [first("errored"), first("hold"), first("inconclusive")];
  if (errored !== undefined) return { verdict: "errored", because: errored.because, findings };
  if (held !== undefined) return { verdict: "hold", because: held.because, findings };
  if (!isOver) return early(checks, observed) ?? { verdict: "watching", because: "the bake is not over", findings };
  if (unknown !== undefined) return { verdict: "inconclusive", because: unknown.because, findings };
  // What is just being found out is waited for: a probe that failed once, a number that is beyond its limit by now.
  const pending = first("watching");
  if (pending !== undefined) return { verdict: "watching", because: pending.because, findings };
  return { verdict: "pass", because: `no harm seen${unjudgedIn(findings)}`, findings };
}

/** More than a fifth of the intervals could not be used. */
function isPatchy({ tally: { usable, dropped } }: Watched): boolean {
  return dropped > 0.2 * (dropped + usable);
}

function patchWords({ service, tally: { usable, dropped, lastDropped } }: Watched): string {
  const counted = `${dropped} of ${dropped + usable} intervals of ${service}`;
  return `${counted} could not be used; the last: ${lastDropped?.because}`;
}

/** Health was shown for every service that is compared, and nothing else is in doubt: the bake need not go on. */
function early(checks: readonly Check[], observed: Observed): Judgement | undefined {
  const compared = checks.some(({ kind }) => kind === "comparison") ? observed.services : [];
  const shown = compared.filter(({ comparison }) => "verdict" in comparison && comparison.verdict === "pass");
  if (observed.elapsedMs < observed.earliestMs || shown.length === 0 || shown.length < compared.length)
    return undefined;
  const findings = checks.flatMap((check) => findingsOf(check, observed, true));
  if (findings.some(({ verdict }) => verdict !== "pass")) return undefined;
  const because = `health is shown${unjudgedIn(findings)}`;
  return { verdict: "pass", because, findings };
}

function unjudgedIn(findings: readonly Finding[]): string {
  const unjudged = findings.filter(({ isUnjudged }) => isUnjudged);
  if (unjudged.length <= 2) return unjudged.map(({ because }) => `; ${because}`).join("");
  const isFirst = unjudged.every(({ because }) => because.includes("a first deployment"));
  const reason = isFirst ? ": a first deployment, with nothing to compare with and too few requests for limits" : "";
  return `; not judged by ${unjudged.length} of ${findings.length} checks${reason}`;
}

function findingsOf(check: Check, observed: Observed, isOver: boolean): readonly Finding[] {
  switch (check.kind) {
    case "probe":
      return [probeFinding(check, observed.probes[check.name], { isOver, isShared: isStableIll(observed) })];
    case "errors":
      return serving(observed, "errors", (watched) => errorsFinding(check, { ...watched, isOver }));
    case "latency":
      return serving(observed, "latency", (watched) => latencyFinding(check, { ...watched, isOver }));
    case "comparison":
      return serving(observed, "comparison with stable", comparisonFinding);
    case "metric":
      return observed.services.map(({ service, metrics }) =>
        metricFinding(check, service, metrics[check.name], isOver),
      );
  }
}

/** A service without requests has none of these numbers, and says so. */
function serving({ services }: Observed, what: string, finding: (watched: Watched) => Finding): readonly Finding[] {
  return services.map((watched) => {
    if (watched.serves) return finding(watched);
    const check = `${what} of ${watched.service}`;
    return { check, verdict: "pass", because: `${check}: not judged, it serves no requests`, isUnjudged: true };
  });
}

function probeFinding(
  check: Extract<Check, { kind: "probe" }>,
  count: ProbeCount | undefined,
  { isOver, isShared }: { isOver: boolean; isShared: boolean },
): Finding {
  const name = `${check.method} ${check.url}`;
  if (count === undefined)
    return { check: name, verdict: isOver ? "inconclusive" : "watching", because: `${name} was not asked yet` };
  if (count.failedInARow > (check.failuresMax ?? probeFailuresMax)) {
    const times = count.failedInARow === 1 ? "" : ` ${count.failedInARow} times in a row`;
    const because = `${name} failed${times}: ${count.because}`;
    if (!isShared) return { check: name, verdict: "fail", because };
    const verdict = isOver ? "inconclusive" : "watching";
    return { check: name, verdict, because: `${because}; but stable fails as well, so it is not the release` };
  }
  const isFine = count.passed > 0 && count.failedInARow === 0;
  return { check: name, verdict: isFine ? "pass" : "watching", because: count.because };
}

/** Most answers that a probe sees are stable's: while stable itself is beyond a limit, a probe says nothing of the candidate. */
function isStableIll({ services }: Observed): boolean {
  const limit = { kind: "errors", rateMax: 0.2, minimumRequests: 20 } as const;
  return services.some(({ service, tally }) => {
    const recent = tally.recent.slice(-6).map((part) => ({ ...part, candidate: part.stable, stable: nothing }));
    const asCandidate = { ...untallied, usable: recent.length, whole: bothOf(recent), recent };
    return errorsFinding(limit, { service, tally: asCandidate, isFirst: false, isOver: true }).verdict === "fail";
  });
}

function comparisonFinding({ service, comparison }: Watched): Finding {
  const check = `${service} against stable`;
  if ("verdict" in comparison) return { check, ...comparison };
  const because = `${check}: not judged, ${comparison.notComparedFor}`;
  return { check, verdict: "pass", because, isUnjudged: true };
}
