// E is a weighted average of e-processes; these are its parts. The table that `why` prints, and what an explanation leads with.
import type { Stratum } from "../evidence.ts";
import { type Ledger, type Sums, tailStream } from "./ledger.ts";
import { everyStartEvidence, logMeanExp, logSumExp, startTerms, startWeights } from "./mixture.ts";
import type { Parameters } from "./parameters.ts";

export type Stream = "err" | "rank" | "tail" | "warm" | "crash";

export interface Part {
  readonly stream: Stream;
  /** null: all strata summed. */
  readonly stratum: Stratum | null;
  readonly weight: number;
  readonly logE: number;
}

/** What the parts are computed from. */
export interface Books {
  readonly ledger: Ledger;
  /** The ledger at each start that came; null for those to come. */
  readonly bases: readonly (Ledger | null)[];
  /** ln R of "crashAbs" and "crashRatio"; null before the first interval. */
  readonly crash: readonly [number | null, number | null];
  /** Usable intervals so far. */
  readonly intervals: number;
}

/** Planned intervals, T. */
export function plannedIntervals(p: Parameters): number {
  return Math.max(1, Math.round(p.plannedMs / p.intervalMs));
}

export function partsOf(books: Books, strata: readonly Stratum[], p: Parameters): Part[] {
  const parts: Part[] = [];
  for (const stream of ["err", "rank", "tail"] as const) {
    parts.push({ stream, stratum: null, weight: p.common[stream], logE: evidenceOf(stream, null, books, p) });
    const weight = p.single[stream] / strata.length;
    for (const stratum of strata) {
      parts.push({ stream, stratum, weight, logE: evidenceOf(stream, stratum, books, p) });
    }
  }
  parts.push({ stream: "warm", stratum: null, weight: p.warm, logE: logMeanExp(books.ledger.all.warm ?? [0]) });
  parts.push({ stream: "crash", stratum: null, weight: p.crash, logE: outageEvidence(books, p) });
  return parts;
}

/** ln E of the whole judge. */
export function logTotal(parts: readonly Part[]): number {
  return logSumExp(parts.map(({ weight, logE }) => Math.log(weight) + logE));
}

/** ln of the evidence that each start contributes to a stream: which start leads tells since when. */
export function termsOf(
  stream: "err" | "rank" | "tail",
  stratum: Stratum | null,
  books: Books,
  p: Parameters,
): readonly number[] {
  const mix = (key: string) => termsOfKey(key, stratum, books, p);
  if (stream === "rank") return mix("rank");
  if (stream === "tail") {
    const tails = p.tailQuantiles.map((q) => mix(tailStream(q)));
    return p.starts.map((_, s) => logMeanExp(tails.map((terms) => terms[s] ?? 0)));
  }
  // Harm means both: more than errorRatioMax times stable, and above errorRateMax.
  const [ratio, absolute] = [mix("err"), mix("abs")];
  return logSumExp(ratio) <= logSumExp(absolute) ? ratio : absolute;
}

function evidenceOf(stream: "err" | "rank" | "tail", stratum: Stratum | null, books: Books, p: Parameters): number {
  return logSumExp(termsOf(stream, stratum, books, p));
}

function termsOfKey(key: string, stratum: Stratum | null, books: Books, p: Parameters): number[] {
  const scope = (ledger: Ledger): Sums => (stratum === null ? ledger.all : (ledger.each[stratum] ?? {}));
  const now = scope(books.ledger)[key] ?? [0];
  const bases = books.bases.map((base) => (base === null ? null : (scope(base)[key] ?? [])));
  return startTerms(now, bases, startWeights(p.starts.length, p.firstStart));
}

function outageEvidence({ crash, intervals }: Books, p: Parameters): number {
  const [absolute, ratio] = crash;
  if (absolute === null || ratio === null) return 0;
  const T = plannedIntervals(p);
  return Math.min(everyStartEvidence(absolute, intervals - 1, T), everyStartEvidence(ratio, intervals - 1, T));
}
