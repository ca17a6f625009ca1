// What a rollout would be like, played whole on virtual time by the real engine: its timeline, who would have seen a bad
// candidate, how long until everybody is safe, and what runs at each moment.
import type { Outcome } from "../domain/event.ts";
import { type Ms, type Percent, replicasFor, shareOf } from "../domain/frame.ts";
import { story } from "../domain/prose.ts";
import { withChance } from "./chance.ts";
import type { Behaviour, SimTarget } from "./sim-target.ts";
import { type Scenario, type Simulated, simulate } from "./simulate.ts";

export interface Forecast {
  /** Absent when it had not ended within the time given. */
  readonly outcome?: Outcome;
  readonly because?: string;
  readonly lastsMs: Ms;
  readonly timeline: readonly { readonly atMs: Ms; readonly sentence: string }[];
  /** What each service was asked to run and who was sent its traffic, from each moment on. */
  readonly moments: readonly Moment[];
  readonly exposure: Exposure;
  /** From the first request that a bad candidate was sent to the last; "never" when it kept them. Absent: there was none. */
  readonly timeToSafeMs?: Ms | "never";
  /** The least that was asked to run of a service, in percent of its full size. */
  readonly lowestCapacity: Percent;
  /** Breaches of what must never happen: none. */
  readonly violations: readonly string[];
}

export interface Moment {
  readonly atMs: Ms;
  readonly service: string;
  readonly stable?: Side;
  readonly candidate: Side;
}

interface Side {
  readonly replicas: number;
  readonly capacity: Percent;
  readonly traffic: Percent;
}

interface Exposure {
  /** Requests that candidates were sent before the deployment ended. */
  readonly requests: number;
  /** Of them, those that saw a candidate while it was bad. */
  readonly sawBad: number;
  /** Of those, the ones that failed because of it. */
  readonly failed: number;
  /** Largest share of a service's traffic that a bad candidate had. */
  readonly worstShare: Percent;
}

export interface ForecastOptions {
  readonly scenario: Scenario;
  /** The same seed, the same chance: counts vary as they do in life. None: expectations. */
  readonly seed?: number;
}

/** As long as an interval of counts: looks in between find nothing new, and cost a third of the time. */
const tickMs: Ms = 5_000;

export async function forecast({ scenario, seed }: ForecastOptions): Promise<Forecast> {
  const chance = seed === undefined ? {} : { spoil: withChance(seed) };
  const world = await simulate({ tickMs, ...scenario, ...chance });
  const start = startOf(world);
  const { phase } = world.run;
  const spans = Object.keys(world.run.plan?.services ?? {}).flatMap((name) => spansOf(world, scenario, name));
  return {
    ...(world.outcome === undefined ? {} : { outcome: world.outcome }),
    ...(phase.kind === "ended" && phase.because !== undefined ? { because: phase.because } : {}),
    lastsMs: (world.outcome === undefined ? start + world.endedAfterMs : (world.events.at(-1)?.at ?? start)) - start,
    timeline: story(world.events)
      .filter(({ event }) => event.fact.kind !== "requested")
      .map(({ event, sentence }) => ({ atMs: event.at - start, sentence })),
    moments: [...world.targets]
      .flatMap(([name, target]) => momentsOf(name, target, world))
      .toSorted((a, b) => a.atMs - b.atMs),
    exposure: exposureOf(scenario, spans),
    ...timeToSafe(spans),
    lowestCapacity: lowestCapacity(world),
    violations: world.violations,
  };
}

function startOf(world: Simulated): Ms {
  return world.events[0]?.at ?? 0;
}

function momentsOf(service: string, target: SimTarget, world: Simulated): readonly Moment[] {
  const planned = world.run.plan?.services[service];
  if (planned === undefined) return [];
  const { stable, candidate, size } = planned;
  const start = startOf(world);
  const sideOf = (frame: SimTarget["frames"][number]["frame"], revision: string): Side => {
    const { capacity, traffic } = shareOf(frame, revision);
    return { replicas: replicasFor(capacity, size), capacity, traffic };
  };
  const before = { at: start, frame: planned.from };
  return [before, ...target.frames.filter(({ at }) => at >= start)]
    .map(({ at, frame }) => ({
      atMs: at - start,
      service,
      ...(stable === undefined ? {} : { stable: sideOf(frame, stable) }),
      candidate: sideOf(frame, candidate),
    }))
    .filter((moment, i, all) => i === 0 || !isSameMoment(moment, all[i - 1]));
}

function isSameMoment(a: Moment, b: Moment | undefined): boolean {
  return JSON.stringify([a.stable, a.candidate]) === JSON.stringify([b?.stable, b?.candidate]);
}

/** A stretch of time in which a candidate had traffic. */
interface Span {
  readonly fromMs: Ms;
  readonly toMs: Ms;
  readonly share: Percent;
  readonly isBad: boolean;
  /** Share of its answers that fail beyond the usual. */
  readonly failing: number;
  /** It has not ended by itself. */
  readonly isLast: boolean;
}

/** Split where the candidate turns bad. */
function spansOf(world: Simulated, { behaviours = {} }: Scenario, service: string): readonly Span[] {
  const target = world.targets.get(service);
  const planned = world.run.plan?.services[service];
  if (target === undefined || planned === undefined) return [];
  const { candidate, stable = "" } = planned;
  const end = world.events.at(-1)?.at ?? 0;
  const begun = target.frames.find(({ frame }) => shareOf(frame, candidate).capacity > 0)?.at ?? end;
  const { afterMs, failing } = harmOf(behaviours[candidate] ?? {}, behaviours[stable] ?? {});
  return target.weights.flatMap(({ at, traffic }, i): readonly Span[] => {
    const share = traffic[candidate] ?? 0;
    const later = target.weights.slice(i + 1);
    const until = Math.max(at, Math.min(end, later[0]?.at ?? end));
    if (share === 0 || at > end) return [];
    const isLast = later.every((one) => (one.traffic[candidate] ?? 0) > 0);
    const turn = Math.min(until, Math.max(at, begun + afterMs));
    const good = { fromMs: at, toMs: turn, share, isBad: false, failing: 0, isLast };
    const bad = { fromMs: turn, toMs: until, share, isBad: true, failing, isLast };
    return begun + afterMs > until ? [good] : [good, bad];
  });
}

/** From when on a candidate is worse than stable, and how many of its answers fail for that. */
function harmOf(candidate: Behaviour, stable: Behaviour): { readonly afterMs: Ms; readonly failing: number } {
  const failing = Math.max(0, (candidate.errors?.share ?? 0) - (stable.errors?.share ?? 0));
  const errors = failing > 0 ? (candidate.errors?.afterMs ?? 0) : Number.POSITIVE_INFINITY;
  const slow = candidate.slows?.afterMs ?? Number.POSITIVE_INFINITY;
  return { afterMs: Math.min(errors, slow), failing };
}

function exposureOf({ requestsPerSecond = 100 }: Scenario, spans: readonly Span[]): Exposure {
  const requests = (span: Span) => (((span.toMs - span.fromMs) / 1000) * requestsPerSecond * span.share) / 100;
  const sum = (of: readonly Span[], count: (span: Span) => number) =>
    Math.round(of.reduce((all, span) => all + count(span), 0));
  const bad = spans.filter(({ isBad }) => isBad);
  return {
    requests: sum(spans, requests),
    sawBad: sum(bad, requests),
    failed: sum(bad, (span) => requests(span) * span.failing),
    worstShare: Math.max(0, ...bad.map(({ share }) => share)),
  };
}

function timeToSafe(spans: readonly Span[]): Pick<Forecast, "timeToSafeMs"> {
  const bad = spans.filter(({ isBad }) => isBad);
  if (bad.length === 0) return {};
  if (bad.some(({ isLast }) => isLast)) return { timeToSafeMs: "never" };
  return { timeToSafeMs: Math.max(...bad.map(({ toMs }) => toMs)) - Math.min(...bad.map(({ fromMs }) => fromMs)) };
}

/** Where something stood before: of a first deployment nothing runs at first. */
function lowestCapacity(world: Simulated): Percent {
  const sums = [...world.targets].flatMap(([name, target]) => {
    const planned = world.run.plan?.services[name];
    if (planned?.stable === undefined || planned.retires === true) return [];
    return target.frames.map(({ frame }) => Object.values(frame.revisions).reduce((sum, one) => sum + one.capacity, 0));
  });
  return Math.min(100, ...sums);
}
