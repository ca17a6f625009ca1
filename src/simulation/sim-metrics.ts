// What the simulated service's traffic would be counted as: a function of the weights over time and of how each
// revision behaves. No randomness: expectations, rounded by carrying the remainder.
import { type Counts, type Interval, nativeBuckets, type Observation } from "../domain/evidence.ts";
import type { Ms, RevisionId } from "../domain/frame.ts";
import type { Sample } from "../domain/metric.ts";
import { Temporary } from "../domain/problem.ts";
import type { Clock, EvidenceKey, EvidenceStore, MetricSource, SampleQuery } from "../engine/ports.ts";
import type { SimClock } from "./sim-clock.ts";
import type { Behaviour, SimTarget } from "./sim-target.ts";

export interface SimMetricsOptions {
  /** A clock whose hands are set is a `SimClock`: its steady time is the world's. */
  readonly clock: Clock & Partial<Pick<SimClock, "steady" | "whenShown">>;
  readonly targets: ReadonlyMap<string, SimTarget>;
  readonly behaviours: Readonly<Record<RevisionId, Behaviour>>;
  readonly requestsPerSecond: number;
  readonly intervalMs?: Ms;
  /** What becomes of an interval on its way; undefined is lost. `sinceMs`: from the first one that was asked for. */
  readonly spoil?: (interval: Interval, sinceMs: Ms) => Observation | undefined;
  /** Share of all requests that fail, whoever answers, between two times. */
  readonly incident?: { readonly share: number; readonly between: readonly [Ms, Ms] };
  /** Whether a probe fails when it is asked for the n-th time. */
  readonly probeFails?: (asked: number) => boolean;
  /** Steady times between which the source does not answer. */
  readonly downBetween?: readonly [Ms, Ms];
}

export class SimMetrics implements MetricSource, EvidenceStore {
  readonly #options: SimMetricsOptions;
  #askedFrom: Ms | undefined;
  #probes = 0;
  readonly #evidence = new Map<string, Map<Ms, Observation>>();

  constructor(options: SimMetricsOptions) {
    this.#options = options;
  }

  async read(query: Parameters<MetricSource["read"]>[0]): Promise<readonly Observation[]> {
    const { clock, intervalMs = 5000 } = this.#options;
    this.#refuseWhileDown();
    const now = clock.now();
    const first = Math.ceil(query.since / intervalMs) * intervalMs;
    const starts: Ms[] = [];
    for (let start = first; start + intervalMs <= now; start += intervalMs) starts.push(start);
    const { spoil = (interval: Interval) => interval } = this.#options;
    this.#askedFrom ??= first;
    const from = this.#askedFrom;
    const counted = starts.map((startMs) => ({
      startMs,
      endMs: startMs + intervalMs,
      stable:
        query.stable === undefined ? {} : { other: this.#counts(query.service, query.stable, startMs, intervalMs) },
      candidate: { other: this.#counts(query.service, query.candidate, startMs, intervalMs) },
    }));
    return counted.flatMap((interval) => spoil(interval, interval.startMs - from) ?? []);
  }

  async sample({ revision, query }: SampleQuery): Promise<Sample> {
    const { clock, behaviours } = this.#options;
    this.#refuseWhileDown();
    const now = (clock.steady ?? clock).now();
    const since = now - (this.#startedAt(revision) ?? now);
    const metric = behaviours[revision]?.metrics?.[query];
    return metric === undefined ? { value: 0 } : { value: since >= metric.afterMs ? metric.value : 0 };
  }

  #startedAt(revision: RevisionId): Ms | undefined {
    return [...this.#options.targets.values()].flatMap((target) => target.startedAt(revision) ?? [])[0];
  }

  #refuseWhileDown(): void {
    const { clock, downBetween } = this.#options;
    const now = (clock.steady ?? clock).now();
    if (downBetween !== undefined && now >= downBetween[0] && now < downBetween[1])
      throw new Temporary("connection refused");
  }

  async probe(): Promise<{ ok: boolean; because: string }> {
    this.#probes += 1;
    const ok = this.#options.probeFails?.(this.#probes) !== true;
    return { ok, because: `answered ${ok ? 200 : 500}` };
  }

  /** What was stored first stays, as in a real store. */
  async put(at: EvidenceKey, observations: readonly Observation[]): Promise<void> {
    const key = JSON.stringify(at);
    const kept = this.#evidence.get(key) ?? new Map();
    for (const one of observations) if (!kept.has(one.startMs)) kept.set(one.startMs, one);
    this.#evidence.set(key, kept);
  }

  async get(at: EvidenceKey): Promise<readonly Observation[]> {
    const kept = this.#evidence.get(JSON.stringify(at)) ?? new Map<Ms, Observation>();
    return [...kept.values()].sort((a, b) => a.startMs - b.startMs);
  }

  #counts(service: string, revision: RevisionId, startMs: Ms, lastsMs: Ms): Counts {
    const target = this.#options.targets.get(service);
    const behaviour = this.#options.behaviours[revision] ?? {};
    const { clock } = this.#options;
    const began = clock.whenShown === undefined ? startMs : clock.whenShown(startMs);
    if (began === undefined) return { requests: 0, errors: 0, latency: [] };
    const weight = target?.weights.findLast((w) => w.at <= began)?.traffic[revision] ?? 0;
    const index = Math.round(startMs / lastsMs) % 100_000;
    const requests = whole((this.#options.requestsPerSecond * lastsMs * weight) / 100_000, index);
    const since = began - (target?.startedAt(revision) ?? began);
    const share = behaviour.errors !== undefined && since >= behaviour.errors.afterMs ? behaviour.errors.share : 0.002;
    const { incident } = this.#options;
    const isIncident = incident !== undefined && startMs >= incident.between[0] && startMs < incident.between[1];
    const errors = Math.min(requests, whole(requests * (isIncident ? incident.share : share), index));
    const { slows, latencyMs = 40 } = behaviour;
    const latency = slows !== undefined && since >= slows.afterMs ? slows.latencyMs : latencyMs;
    return { requests, errors, latency: histogram(requests - errors, latency, index) };
  }
}

/** Whole numbers whose mean over intervals is `mean` exactly: rounding alone would make two sides differ. */
function whole(mean: number, index: number): number {
  return Math.floor((index + 1) * mean) - Math.floor(index * mean);
}

/** Most at the usual latency, 2 % half an octave slower, 0.5 % an octave: there is a tail. */
function histogram(count: number, latencyMs: number, index: number): readonly number[] {
  const found = nativeBuckets.log2Edges.findIndex((edge) => 2 ** edge > latencyMs);
  const usual = Math.max(0, found - 1);
  const slow = Math.min(count, whole(count * 0.005, index));
  const slower = Math.min(count - slow, whole(count * 0.02, index));
  const latency = new Array<number>(usual + 17).fill(0);
  latency[usual] = count - slow - slower;
  latency[usual + 8] = slower;
  latency[usual + 16] = slow;
  return latency;
}
