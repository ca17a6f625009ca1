// A/A: old against old on a team's own traffic. Are the two sides exchangeable, as every guarantee here assumes?
import { type Interval, isInterval } from "../evidence.ts";
import { pairsOf, plusPairs } from "./blocks.ts";
import { clumping } from "./clumping.ts";
import { compare } from "./comparison.ts";
import { plusEach, service } from "./counts.ts";
import { defaults } from "./parameters.ts";
import { type Recording, replay } from "./replay.ts";
import { podLogSd, type ReplicaLatency } from "./spread.ts";
import { tolerance } from "./tolerance.ts";
import * as say from "./wording.ts";

export interface Exchangeability {
  /** Highest ln E that the judge reached, and against the sides swapped: above ln 20 either way, they are not exchangeable. */
  readonly peakLogE: number;
  readonly peakLogESwapped: number;
  /** Share of pairs in which the one side's request is the faster: ½ when alike. */
  readonly fasterShare: number | null;
  /** The one side's error rate over the other's; null without errors on either. */
  readonly errorRatio: number | null;
  /** φ of each side's errors: 1 when they come one by one. */
  readonly errorClumping: { readonly stable: number; readonly candidate: number };
  /** Spread between replicas, and the tolerance that follows from it; null where replicas are not told apart. */
  readonly podLogSd: number | null;
  readonly tolerance: number;
  readonly isExchangeable: boolean;
  readonly sentence: string;
}

/** `replicas`: the old version's replicas over the whole time, or by interval (then added up). */
export function exchangeability(recording: Recording, replicas: readonly ReplicaLatency[] = []): Exchangeability {
  const { beginning } = recording;
  const p = { ...defaults, ...beginning.parameters };
  const spread = replicas.length >= 3 ? podLogSd(replicas, beginning.buckets) : null;
  const usable = recording.intervals.filter(isInterval);
  const pairs = usable.map((interval) => pairsOf(interval, beginning.strata)).reduce(plusPairs, {});
  const { stable, candidate, fasterShare } = compare(pairs, null, beginning.buckets);
  const peakLogE = peak(recording);
  const peakLogESwapped = peak({ ...recording, intervals: usable.map(swapped) });
  const isExchangeable = Math.max(peakLogE, peakLogESwapped) < Math.log(p.hold);
  const ratio = stable.errors > 0 && candidate.errors > 0 ? (candidate.errorRate ?? 0) / (stable.errorRate ?? 1) : null;
  const found = {
    peakLogE,
    peakLogESwapped,
    fasterShare,
    errorRatio: ratio,
    errorClumping: {
      stable: clumping(usable.map((interval) => service(interval.stable).errors)),
      candidate: clumping(usable.map((interval) => service(interval.candidate).errors)),
    },
    podLogSd: spread,
    tolerance: tolerance(spread ?? beginning.history.podLogSd, p),
    isExchangeable,
  };
  return { ...found, sentence: sentence(found) };
}

/** Adds up what each replica showed over several intervals. */
export function plusReplicas(a: readonly ReplicaLatency[], b: readonly ReplicaLatency[]): ReplicaLatency[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const sum: Record<string, readonly number[]> = { ...a[i] };
    for (const [stratum, latency] of Object.entries(b[i] ?? {})) sum[stratum] = plusEach(sum[stratum] ?? [], latency);
    return sum;
  });
}

function peak(recording: Recording): number {
  return Math.max(0, ...replay(recording).course.map(({ logE }) => logE));
}

function swapped({ stable, candidate, ...time }: Interval): Interval {
  return { ...time, stable: candidate, candidate: stable };
}

function sentence(found: Omit<Exchangeability, "sentence">): string {
  const { peakLogE, peakLogESwapped, fasterShare, podLogSd: sd, isExchangeable } = found;
  const odds = say.odds(Math.max(peakLogE, peakLogESwapped));
  const pairs = fasterShare === null ? "" : `; one side is the faster in ${say.percent(fasterShare)} of pairs`;
  const spread =
    sd === null
      ? "; the spread between replicas is not known: at least three must be told apart"
      : `; replicas differ by ${say.percent(Math.expm1(sd))}, so up to ${say.percent(found.tolerance - 1)} slower is tolerated`;
  return isExchangeable
    ? `the two sides are alike: odds ${odds} against chance at most${pairs}${spread}`
    : `the two sides differ though both run the same version: odds ${odds} against this being chance${pairs}${spread}; do not trust a canary split this way`;
}
