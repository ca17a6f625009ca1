// One plain sentence per verdict, and the counts and the table behind it.
import type { Stance } from "../check.ts";
import type { Stratum } from "../evidence.ts";
import type { Ms } from "../frame.ts";
import type { Pairs } from "./blocks.ts";
import { type Comparison, compare, latencyMs } from "./comparison.ts";
import { nothing, plusEach, total } from "./counts.ts";
import { type Part, partsOf, type Stream, termsOf } from "./parts.ts";
import type { JudgeState } from "./state.ts";
import { slow, tailCut } from "./tail.ts";
import { firmLogE, isBlind, isHealthShown, isPatchy, isSuspect, silentSide, verdict } from "./verdict.ts";
import * as say from "./wording.ts";

export interface Explanation {
  readonly judgement: Stance;
  readonly sentence: string;
  /** ln of the evidence of harm, and what it means: a good release shows this at most once in so many. */
  readonly logE: number;
  readonly odds: string;
  /** What moved the evidence most, and since when. */
  readonly leading: Leading | null;
  /** ln E by stream and stratum. */
  readonly parts: readonly Part[];
  /** The whole service, then each route, over the rollout so far. */
  readonly comparisons: readonly Comparison[];
}

interface Leading {
  readonly stream: Stream;
  readonly stratum: Stratum | null;
  readonly sinceMs: Ms;
  /** Both sides since then. */
  readonly comparison: Comparison;
  /** Where all strata lead together: the one with most of the errors in excess of stable's, if there is one. */
  readonly worst: Comparison | null;
}

/** What is asked at every look: no more of the explanation than the sentence says. */
export function summary(state: JudgeState, bake: { isOver: boolean }): Pick<Explanation, "judgement" | "sentence"> {
  const judgement = verdict(state, bake);
  return { judgement, sentence: sentences[judgement](state) };
}

export function explain(state: JudgeState, bake: { isOver: boolean } = { isOver: false }): Explanation {
  const { judgement, sentence } = summary(state, bake);
  const parts = partsOf(state.books, state.strata, state.parameters);
  const leading = leadingOf(state, parts);
  return {
    judgement,
    sentence,
    logE: state.logE,
    odds: say.odds(judgement === "fail" ? firmLogE(state) : state.logE),
    leading,
    parts,
    comparisons: [null, ...state.routes].map((stratum) => compare(state.seen, stratum, state.buckets)),
  };
}

const sentences: Record<Stance, (state: JudgeState) => string> = {
  fail: finding,
  hold: (state) => `suspicion, not advancing: ${finding(state)}`,
  watching: (state) => `nothing shown yet: ${comparedSoFar(state)}`,
  pass: (state) => (isHealthShown(state) ? shownHealthy(state) : `no harm seen: ${comparedSoFar(state)}`),
  inconclusive: whatIsMissing,
  errored: whatWentDark,
};

function leadingOf(state: JudgeState, parts = partsOf(state.books, state.strata, state.parameters)): Leading | null {
  const { parameters: p, books, sinceMs } = state;
  if (sinceMs === null) return null;
  const [part] = [...parts].sort((a, b) => Math.log(b.weight) + b.logE - (Math.log(a.weight) + a.logE));
  if (part === undefined) return null;
  const { stream, stratum } = part;
  const terms = stream === "warm" || stream === "crash" ? [0] : termsOf(stream, stratum, books, p);
  const came = terms.filter((_, s) => state.seenAt[s] !== null);
  const start = Math.max(0, came.indexOf(Math.max(...came)));
  const since = start === 0 ? {} : (state.seenAt[start] ?? {});
  const seen = minus(state.seen, since);
  return {
    stream,
    stratum,
    sinceMs: sinceMs + (p.starts[start] ?? 0) * p.plannedMs,
    comparison: compare(seen, stratum, state.buckets),
    worst: stratum === null && state.routes.length > 1 ? worstOf(state, seen) : null,
  };
}

function worstOf({ routes, buckets }: JudgeState, seen: Pairs): Comparison | null {
  const comparisons = routes.map((stratum) => compare(seen, stratum, buckets));
  const excess = ({ stable, candidate }: Comparison) =>
    Math.max(0, candidate.errors - candidate.requests * (stable.errorRate ?? 0));
  const all = comparisons.reduce((sum, comparison) => sum + excess(comparison), 0);
  return comparisons.find((comparison) => all > 0 && excess(comparison) > 0.8 * all) ?? null;
}

/** Counts seen since an earlier moment. */
function minus(now: Pairs, before: Pairs): Pairs {
  const less = (a: { requests: number; errors: number; latency: readonly number[] }, b: typeof a) => ({
    requests: a.requests - b.requests,
    errors: a.errors - b.errors,
    latency: plusEach(
      a.latency,
      b.latency.map((n) => -n),
    ),
  });
  return Object.fromEntries(
    Object.entries(now).map(([stratum, { stable, candidate }]) => [
      stratum,
      {
        stable: less(stable, before[stratum]?.stable ?? nothing),
        candidate: less(candidate, before[stratum]?.candidate ?? nothing),
      },
    ]),
  );
}

function finding(state: JudgeState): string {
  const leading = leadingOf(state);
  if (leading === null) return "nothing was observed";
  const isRecent = state.untilMs !== null && state.sinceMs !== null && leading.sinceMs > state.sinceMs;
  const lately = isRecent ? `, in the last ${say.span((state.untilMs ?? 0) - leading.sinceMs)}` : "";
  const found = `${harm[leading.stream](leading, state)}${lately}`;
  const firm = firmLogE(state);
  if (state.failedAtMs !== null) return `${found}; odds ${say.odds(firm)} against this being chance`;
  const rest =
    state.logE - firm < Math.LN2
      ? ""
      : `, ${say.odds(firm)} once unequal replicas and clumped errors are allowed for in full`;
  return `${found}; odds ${say.odds(state.logE)} against this being chance${rest}`;
}

const harm: Record<Stream, (leading: Leading, state: JudgeState) => string> = {
  err: moreErrors,
  crash: moreErrors,
  rank: slower,
  warm: slower,
  tail: slowerTail,
};

/** Of the tails that are watched the one that differs most: by its length, or where that is the same by its share. */
function slowerTail({ stratum, comparison: { stable, candidate } }: Leading, state: JudgeState): string {
  const { buckets, parameters: p } = state;
  const of = stratum === null ? "" : ` of ${stratum}`;
  const tails = p.tailQuantiles.map((q) => {
    const [here, there] = [candidate, stable].map(({ latency }) => latencyMs(latency, q, buckets) ?? 0);
    return { q, here: here ?? 0, there: there ?? 0 };
  });
  const [longest] = tails.sort((a, b) => b.here / b.there - a.here / a.there);
  if (longest !== undefined && longest.here > 1.1 * longest.there)
    return `p${Number((100 * longest.q).toPrecision(4))}${of} ${say.latency(longest.here)} against ${ms(longest.there)} on stable`;
  const cuts = p.tailQuantiles.map((q) => {
    const cut = tailCut(stable.latency, q);
    const [here, there] = [candidate, stable].map(({ latency }) => slow(latency, cut) / Math.max(1, total(latency)));
    return { cut, here: here ?? 0, there: there ?? 0 };
  });
  const [fullest] = cuts.sort((a, b) => b.here / b.there - a.here / a.there);
  const over = say.latency(2 ** (buckets.log2Edges[(fullest?.cut ?? 0) + 1] ?? 0));
  return `requests${of} over ${over}: ${rate(fullest?.here ?? 0)} against ${rate(fullest?.there ?? 0)} on stable`;
}

function moreErrors({ comparison: led, worst }: Leading): string {
  const where = led.stratum === null ? "errors" : `errors on ${led.stratum}`;
  const mostly = worst === null ? "" : `, most on ${worst.stratum}: ${ratesOf(worst)}`;
  return `${where}: ${ratesOf(led)} on stable${mostly}`;
}

function ratesOf({ stable, candidate }: Comparison): string {
  return `${rate(candidate.errorRate)} against ${rate(stable.errorRate)}`;
}

function slower({ stratum, comparison: { stable, candidate, fasterShare } }: Leading): string {
  const median = `median ${ms(candidate.p50Ms)} against ${ms(stable.p50Ms)} on stable`;
  const pairs =
    fasterShare === null
      ? ""
      : `; a random request of the new version beats the old one in ${say.percent(fasterShare)} of pairs`;
  return `${stratum === null ? "slower" : `${stratum} slower`}: ${median}${pairs}`;
}

function shownHealthy(state: JudgeState): string {
  const { errorRatio, errorRate, tailRatio } = state.parameters.health;
  const margin = `errors within ${errorRatio}x or under ${say.percent(errorRate)}, latency within the margin, slow requests within ${tailRatio}x`;
  return `shown healthy: ${margin}; ${comparedSoFar(state)}`;
}

function comparedSoFar(state: JudgeState): string {
  const { stable, candidate } = compare(state.seen, null, state.buckets);
  const requests = `${say.count(state.step.compared.candidate)} requests of the new version compared with ${say.count(state.step.compared.stable)}`;
  return `${requests}, errors ${rate(candidate.errorRate)} against ${rate(stable.errorRate)}, p99 ${ms(candidate.p99Ms)} against ${ms(stable.p99Ms)}`;
}

function whatIsMissing(state: JudgeState): string {
  const { step, parameters: p } = state;
  const lasted = say.span((state.untilMs ?? 0) - (step.sinceMs ?? 0));
  if (isSuspect(state)) return `suspicion that the bake did not settle: ${finding(state)}`;
  const silent = silentSide(state);
  if (silent !== null) return `${silent} had traffic and has none any more: is it routed to, and counted?`;
  if (step.requests.candidate === 0) return `the new version had no request in ${lasted}`;
  if (step.compared.candidate === 0) {
    return `nothing to compare with: stable had ${say.count(step.requests.stable)} requests in ${lasted}`;
  }
  const seen = `the new version had ${say.count(step.compared.candidate)} in ${lasted}`;
  if (!p.requireProof) {
    return `too few requests: ${seen}; ${say.count(p.minimumRequests - step.compared.candidate)} more are needed to say that no harm is seen`;
  }
  return `health is not shown: ${seen}; ${whatProofNeeds(state)}`;
}

/** Evidence of health grows about evenly with requests, so what is missing can be told from what is there. */
function whatProofNeeds({ step, logHealth, parameters: p }: JudgeState): string {
  const needed = -Math.log(p.beta);
  if (logHealth <= 0) return "at this rate more requests would not show it";
  return `about ${say.about(step.compared.candidate * (needed / logHealth - 1))} more at this rate would show it`;
}

function whatWentDark(state: JudgeState): string {
  const { blackout, step } = state;
  if (blackout !== null && isBlind(state)) {
    return `no usable interval for ${say.span(blackout.untilMs - blackout.sinceMs)}: ${blackout.because}`;
  }
  if (!isPatchy(state)) return "the source could not answer";
  return `${step.dropped} of ${step.dropped + step.usable} intervals could not be used; the last: ${step.droppedBecause}`;
}

function rate(errorRate: number | null): string {
  return errorRate === null ? "none" : say.percent(errorRate);
}

function ms(value: number | null): string {
  return value === null ? "none" : say.latency(value);
}
