// What stable showed before the interval at hand: the cuts above which a request is slow, how its events clump, its usual errors.
// Everything here is known before an interval is judged, which is what keeps each increment an e-value.
import type { Counts, Stratum } from "../evidence.ts";
import type { Pairs } from "./blocks.ts";
import { clumping } from "./clumping.ts";
import { plusEach, service } from "./counts.ts";
import type { Parameters } from "./parameters.ts";
import { slow, tailCut } from "./tail.ts";

export interface Past {
  readonly latency: Readonly<Record<Stratum, readonly number[]>>;
  /** Errors of the whole service, per interval, newest last. */
  readonly errors: readonly number[];
  /** Slow requests of the whole service, per interval, for each tail quantile. */
  readonly slow: readonly (readonly number[])[];
  /** While calm: see `isCalm`. */
  readonly usual: { readonly errors: number; readonly requests: number };

  /** Made anew at the start of each minute: */
  readonly minute: number;
  readonly cuts: readonly Readonly<Record<Stratum, number>>[];
  readonly errorClumping: number;
  readonly slowClumping: readonly number[];
}

/** Intervals of which the clumping is estimated: two hours of 5 s. */
const seriesMax = 1440;

type Stable = Readonly<Record<Stratum, Counts>>;

export function pastOf(history: readonly Stable[], p: Parameters): Past {
  const services = history.map(service);
  const blank: Past = {
    latency: history.reduce(withLatency, {}),
    errors: services.map((counts) => counts.errors).slice(-seriesMax),
    slow: p.tailQuantiles.map(() => []),
    usual: {
      errors: services.reduce((sum, counts) => sum + counts.errors, 0),
      requests: services.reduce((sum, counts) => sum + counts.requests, 0),
    },
    minute: 0,
    cuts: [],
    errorClumping: 1,
    slowClumping: [],
  };
  const cut = { ...blank, cuts: cutsOf(blank, p) };
  return refreshed({ ...cut, slow: cut.cuts.map((cuts) => history.map((stable) => slowOf(stable, cuts))) }, 0, p);
}

/** Cuts and clumping as of the start of this minute; the same within a minute. */
export function refreshed(past: Past, minute: number, p: Parameters): Past {
  return {
    ...past,
    minute,
    cuts: cutsOf(past, p),
    errorClumping: clumping(past.errors),
    slowClumping: past.slow.map(clumping),
  };
}

export function remembered(past: Past, pairs: Pairs): Past {
  const stable = Object.fromEntries(Object.entries(pairs).map(([stratum, pair]) => [stratum, pair.stable]));
  const { errors, requests } = service(stable);
  const calm = isCalm(past, { errors, requests });
  return {
    ...past,
    latency: withLatency(past.latency, stable),
    errors: appended(past.errors, errors),
    slow: past.slow.map((series, i) => appended(series, slowOf(stable, past.cuts[i] ?? {}))),
    usual: calm ? { errors: past.usual.errors + errors, requests: past.usual.requests + requests } : past.usual,
  };
}

/** False while stable itself has an error incident: then an equal error rate shows nothing about health. */
export function isCalm({ usual }: Past, stable: Omit<Counts, "latency">): boolean {
  const usualRate = (usual.errors + 1) / Math.max(usual.requests, 1);
  return stable.errors < 5 || stable.errors <= 3 * usualRate * stable.requests;
}

function cutsOf(past: Past, p: Parameters): Readonly<Record<Stratum, number>>[] {
  return p.tailQuantiles.map((q) =>
    Object.fromEntries(Object.entries(past.latency).map(([stratum, latency]) => [stratum, tailCut(latency, q)])),
  );
}

function slowOf(stable: Stable, cuts: Readonly<Record<Stratum, number>>): number {
  return Object.entries(stable).reduce((sum, [stratum, { latency }]) => sum + slow(latency, cuts[stratum] ?? 0), 0);
}

function withLatency(latency: Past["latency"], stable: Stable): Past["latency"] {
  const sum: Record<Stratum, readonly number[]> = { ...latency };
  for (const [stratum, counts] of Object.entries(stable)) {
    sum[stratum] = plusEach(sum[stratum] ?? [], counts.latency);
  }
  return sum;
}

function appended(series: readonly number[], value: number): readonly number[] {
  return [...series, value].slice(-seriesMax);
}
