// A/A on a service's own replicas: each of the version that stands, by itself, against all the others, as a canary of one
// replica would be. What the judge makes of that tells whether it may be trusted with a canary here.
import { onto } from "../buckets.ts";
import { type Counts, type Interval, nativeBuckets, type ReplicaInterval, type Stratum } from "../evidence.ts";
import { plus, service } from "./counts.ts";
import { type Exchangeability, exchangeability, plusReplicas } from "./exchangeability.ts";
import { defaults, type Parameters } from "./parameters.ts";
import type { Recording } from "./replay.ts";
import { podLogSd, type ReplicaLatency } from "./spread.ts";

export interface OldAgainstOld {
  readonly replicas: readonly (Exchangeability & {
    readonly replica: string;
    readonly requests: number;
    readonly errors: number;
  })[];
  /** Between replicas, of the mean log latency; 0 where fewer than four say nothing. */
  readonly podLogSd: number;
  readonly tolerance: number;
  /** No replica is told from the others, however many were tried. */
  readonly isExchangeable: boolean;
  /** Those without which the rest are alike: one that differs makes all the others differ from their rest. */
  readonly odd: readonly string[];
}

/** Tried one by one; more are only part of the others. */
const triedMax = 12;

/** Replicas that were there all the time; at least two are needed. */
export function oldAgainstOld(counted: readonly ReplicaInterval[], given: Partial<Parameters> = {}): OldAgainstOld {
  const buckets = counted[0]?.buckets ?? nativeBuckets;
  const names = constant(counted);
  const tried = names.slice(0, triedMax);
  const latencies = counted.map((one) => names.map((name) => latencyOf(one.replicas[name])));
  const total = latencies.reduce<readonly ReplicaLatency[]>((sum, one) => plusReplicas(sum, one), []);
  const sd = podLogSd(total, buckets);
  // As many tests as replicas: a level that one of them reaches by chance would else be reached by some.
  const p = { ...defaults, ...given };
  const hold = p.hold * Math.max(1, tried.length);
  const parameters = { ...given, hold, candidateReplicas: 1, stableReplicas: Math.max(1, names.length - 1) };
  const replicas = tried.map((name) => {
    const intervals = counted.map((one) => onto(split(one, name, names), buckets));
    const past = Math.floor(intervals.length / 4);
    const recording: Recording = {
      beginning: {
        history: { intervals: intervals.slice(0, past).map(({ stable }) => stable), podLogSd: sd },
        strata: [...new Set(intervals.flatMap(({ stable }) => Object.keys(stable)))],
        buckets,
        parameters,
      },
      intervals: intervals.slice(past),
    };
    const counts = counted.map(({ replicas: all }) => service(all[name] ?? {}));
    return {
      replica: name,
      requests: counts.reduce((sum, { requests }) => sum + requests, 0),
      errors: counts.reduce((sum, { errors }) => sum + errors, 0),
      ...exchangeability(recording, total),
    };
  });
  return {
    replicas,
    podLogSd: sd,
    tolerance: replicas[0]?.tolerance ?? p.latencyToleranceMin,
    isExchangeable: replicas.every(({ isExchangeable }) => isExchangeable),
    odd: oddOf(replicas, counted, given),
  };
}

function oddOf(
  replicas: OldAgainstOld["replicas"],
  counted: readonly ReplicaInterval[],
  given: Partial<Parameters>,
): readonly string[] {
  const peak = (one: Exchangeability) => Math.max(one.peakLogE, one.peakLogESwapped);
  const [worst] = replicas.filter(({ isExchangeable }) => !isExchangeable).toSorted((a, b) => peak(b) - peak(a));
  if (worst === undefined) return [];
  const without = counted.map(({ replicas: all, ...time }) => ({
    ...time,
    replicas: Object.fromEntries(Object.entries(all).filter(([name]) => name !== worst.replica)),
  }));
  return [worst.replica, ...(replicas.length > 2 ? oldAgainstOld(without, given).odd : [])];
}

/** From near the first request to near the last: one that came or went midway is cold, or gone. */
function constant(counted: readonly ReplicaInterval[]): readonly string[] {
  const spans = new Map<string, readonly [number, number]>();
  for (const [i, { replicas }] of counted.entries()) {
    for (const name of Object.keys(replicas)) spans.set(name, [spans.get(name)?.[0] ?? i, i]);
  }
  const all = [...spans.values()];
  const lasted = Math.max(...all.map(([, last]) => last)) - Math.min(...all.map(([first]) => first));
  return [...spans]
    .filter(([, [first, last]]) => last - first >= 0.9 * lasted)
    .map(([name]) => name)
    .sort();
}

function split({ startMs, endMs, replicas, buckets }: ReplicaInterval, one: string, all: readonly string[]): Interval {
  const stable: Record<Stratum, Counts> = {};
  for (const name of all) {
    if (name === one) continue;
    for (const [stratum, counts] of Object.entries(replicas[name] ?? {})) {
      const sum = stable[stratum];
      stable[stratum] = sum === undefined ? counts : plus(sum, counts);
    }
  }
  return { startMs, endMs, stable, candidate: replicas[one] ?? {}, ...(buckets === undefined ? {} : { buckets }) };
}

function latencyOf(strata: Readonly<Record<Stratum, Counts>> = {}): ReplicaLatency {
  return Object.fromEntries(Object.entries(strata).map(([stratum, { latency }]) => [stratum, latency]));
}
