// Traffic of a canary, request by request, counted as a metrics pipeline would count it: every 5 s, by side and route.
import type { Counts, Interval } from "../../src/domain/evidence.ts";
import { nativeBuckets } from "../../src/domain/evidence.ts";
import { podLogSd } from "../../src/domain/judge/spread.ts";
import type { History } from "../../src/domain/judge/state.ts";
import { type Random, random } from "./random.ts";
import type { Scenario } from "./scenarios.ts";

export const tickS = 5;
/** Stable alone, before the candidate. */
const historyS = 300;
const stablePods = 9;
const buckets = 240;

export interface Canary {
  readonly history: History;
  readonly intervals: readonly Interval[];
  /** A fresh start of the old version with as much traffic as the candidate (Kayenta's baseline), every 5 s. */
  readonly baseline: readonly Counts[];
}

type Tally = { requests: number; errors: number; latency: number[] };
type Tallies = Record<string, Tally>;

/** Canary `number` of a scenario. */
export function simulate(scenario: Scenario, number: number): Canary {
  const draw = random(`${scenario.name}#${number}`);
  const weather = weatherOf(scenario, draw);
  const counted = blank(scenario);
  for (let second = -historyS; second < scenario.durationS; second++) {
    for (let left = weather.load(second) - draw.exponential(); left > 0; left -= draw.exponential()) {
      const request = arrival(scenario, second, draw);
      if (request === null) continue;
      const logMs = latencyOf(request, scenario, weather, draw);
      count(counted, request, isFailing(request, scenario, weather, counted, draw), logMs, scenario);
    }
  }
  return canaryOf(counted);
}

interface Request {
  readonly second: number;
  readonly isCandidate: boolean;
  /** Stable's, on the replica that was started anew beside the candidate. */
  readonly isBaseline: boolean;
  readonly route: number;
  readonly pod: number;
  readonly isHurt: boolean;
}

interface Counted {
  readonly stable: Tallies[];
  readonly candidate: Tallies[];
  readonly baseline: Tally[];
  /** Latency of each stable pod before the canary. */
  readonly pods: Record<string, number[]>[];
  /** Errors that a clump still owes to each side. */
  readonly owed: { stable: number; candidate: number };
  /** Requests that each fresh start has served. */
  readonly served: { candidate: number; baseline: number };
}

function blank({ durationS }: Scenario): Counted {
  const ticks = (historyS + durationS) / tickS;
  return {
    stable: Array.from({ length: ticks }, () => ({})),
    candidate: Array.from({ length: ticks }, () => ({})),
    baseline: Array.from({ length: ticks }, tally),
    pods: Array.from({ length: stablePods }, () => ({})),
    owed: { stable: 0, candidate: 0 },
    served: { candidate: 0, baseline: 0 },
  };
}

function arrival(scenario: Scenario, second: number, draw: Random): Request | null {
  const lot = draw.uniform();
  const isCandidate = second >= 0 && lot < scenario.weight;
  const isBaseline = second >= 0 && !isCandidate && lot < 2 * scenario.weight;
  const route = routeOf(scenario, draw.uniform());
  if (!isServed(scenario, route, second, isCandidate)) return null;
  const pod = isCandidate ? stablePods : isBaseline ? 0 : Math.floor(stablePods * draw.uniform());
  return { second, isCandidate, isBaseline, route, pod, isHurt: isCandidate && isHurt(scenario, route, second) };
}

function latencyOf(request: Request, scenario: Scenario, weather: Weather, draw: Random): number {
  const { second, route, pod } = request;
  let logMs = Math.log(scenario.mediansMs[route] ?? 1) + weather.latency(second, pod) + scenario.sigma * draw.normal();
  if (scenario.pareto > 0 && draw.uniform() < scenario.pareto) logMs += draw.exponential() / 1.5;
  if (weather.pauses(second, pod)) logMs = Math.log(Math.exp(logMs) + scenario.pauses.ms * draw.uniform());
  return request.isHurt ? logMs + harmOf(scenario, second, draw) : logMs;
}

/** A failing client retries at once against the same version: a clump of errors. */
function isFailing(request: Request, scenario: Scenario, weather: Weather, { owed }: Counted, draw: Random): boolean {
  const side = request.isCandidate ? "candidate" : "stable";
  const rate = (request.isHurt ? scenario.candidate.errorRate : undefined) ?? scenario.errorRate;
  if (draw.uniform() < rate / scenario.clump + weather.errors(request.second)) {
    owed[side] = Math.max(owed[side], draw.geometric(scenario.clump));
  }
  if (owed[side] === 0) return false;
  owed[side]--;
  return true;
}

function count(counted: Counted, request: Request, isError: boolean, logMs: number, scenario: Scenario): void {
  const tick = Math.floor((request.second + historyS) / tickS);
  const route = `route ${request.route}`;
  const cold = (i: number) => (scenario.coldRequests > 0 ? Math.log1p(4 * Math.exp(-i / scenario.coldRequests)) : 0);
  if (request.isCandidate) {
    add(tallyOf(counted.candidate[tick], route), isError, logMs + cold(counted.served.candidate++));
    return;
  }
  add(tallyOf(counted.stable[tick], route), isError, logMs);
  if (request.isBaseline) add(counted.baseline[tick], isError, logMs + cold(counted.served.baseline++));
  const pod = counted.pods[request.pod];
  if (request.second < 0 && !isError && pod !== undefined) {
    pod[route] ??= [];
    increase(pod[route], bucketOf(logMs));
  }
}

function canaryOf({ stable, candidate, baseline, pods }: Counted): Canary {
  const first = historyS / tickS;
  return {
    history: { intervals: stable.slice(0, first), podLogSd: podLogSd(pods, nativeBuckets) },
    intervals: stable.slice(first).map((counts, t) => ({
      startMs: 1000 * tickS * t,
      endMs: 1000 * tickS * (t + 1),
      stable: counts,
      candidate: candidate[first + t] ?? {},
    })),
    baseline: baseline.slice(first),
  };
}

export function routes(scenario: Scenario): string[] {
  return scenario.mix.flatMap((_, route) => (scenario.lateRoute?.route === route ? [] : [`route ${route}`]));
}

interface Weather {
  /** Expected requests in this second. */
  load(second: number): number;
  /** Added log latency. */
  latency(second: number, pod: number): number;
  errors(second: number): number;
  pauses(second: number, pod: number): boolean;
}

/** What both versions meet alike, and what pods have of their own, second by second. */
function weatherOf(scenario: Scenario, draw: Random): Weather {
  const seconds = historyS + scenario.durationS;
  const at = (second: number) => second + historyS;
  const load = loads(scenario, seconds, draw);
  const drift = ar1(seconds, scenario.driftSd, 60, draw);
  const pods = Array.from({ length: stablePods + 1 }, () => {
    const fixed = scenario.pods.fixedSd * draw.normal();
    return ar1(seconds, scenario.pods.driftSd, 120, draw).map((value) => value + fixed);
  });
  const pauses = pods.map(() => Array.from({ length: seconds }, () => draw.uniform() < scenario.pauses.chance));
  const { incident } = scenario;
  const starts = incident ? 60 + Math.floor(draw.uniform() * (scenario.durationS - incident.seconds - 120)) : 0;
  const during = (second: number) => incident !== null && second >= starts && second < starts + incident.seconds;
  return {
    load: (second) => load[at(second)] ?? 0,
    latency: (second, pod) =>
      (drift[at(second)] ?? 0) +
      (pods[pod]?.[at(second)] ?? 0) +
      scenario.loadSlope * Math.log((load[at(second)] ?? scenario.rate) / scenario.rate) +
      (during(second) ? Math.log(incident?.factor ?? 1) : 0),
    errors: (second) => (during(second) ? (incident?.errorRate ?? 0) : 0),
    pauses: (second, pod) => pauses[pod]?.[at(second)] ?? false,
  };
}

/** Bursts: 4x for about 20 s, a tenth of the time. */
function loads(scenario: Scenario, seconds: number, draw: Random): number[] {
  let isBurst = draw.uniform() < 0.1;
  return Array.from({ length: seconds }, () => {
    if (scenario.traffic === "flat") return scenario.rate;
    isBurst = isBurst ? draw.uniform() > 1 / 20 : draw.uniform() < 1 / 180;
    return scenario.rate * (isBurst ? 4 : 1);
  });
}

function ar1(length: number, sd: number, seconds: number, draw: Random): number[] {
  if (sd === 0) return new Array(length).fill(0);
  const keep = Math.exp(-1 / seconds);
  let value = sd * draw.normal();
  return Array.from({ length }, () => {
    const now = value;
    value = keep * value + sd * Math.sqrt(1 - keep * keep) * draw.normal();
    return now;
  });
}

function routeOf({ mix }: Scenario, lot: number): number {
  let below = 0;
  const route = mix.findIndex((share) => {
    below += share;
    return lot < below;
  });
  return route < 0 ? mix.length - 1 : route;
}

function isServed({ lateRoute }: Scenario, route: number, second: number, isCandidate: boolean): boolean {
  if (lateRoute === null || lateRoute.route !== route) return true;
  return second >= lateRoute.fromS && (isCandidate || !lateRoute.onCandidateOnly);
}

function isHurt({ candidate }: Scenario, route: number, second: number): boolean {
  return second >= (candidate.fromS ?? 0) && (candidate.route === undefined || candidate.route === route);
}

function harmOf({ candidate, durationS }: Scenario, second: number, draw: Random): number {
  const { latency = 1, tail, leak = 0 } = candidate;
  const isTail = tail !== undefined && draw.uniform() < tail.share;
  return Math.log(latency) + (isTail ? Math.log(tail.factor) : 0) + Math.log1p((leak * second) / durationS);
}

function tally(): Tally {
  return { requests: 0, errors: 0, latency: [] };
}

function tallyOf(tallies: Tallies | undefined, route: string): Tally | undefined {
  if (tallies === undefined) return undefined;
  tallies[route] ??= tally();
  return tallies[route];
}

function add(counts: Tally | undefined, isError: boolean, logMs: number): void {
  if (counts === undefined) return;
  counts.requests++;
  if (isError) counts.errors++;
  else increase(counts.latency, bucketOf(logMs));
}

function increase(latency: number[], bucket: number): void {
  while (latency.length <= bucket) latency.push(0);
  latency[bucket] = (latency[bucket] ?? 0) + 1;
}

/** Native buckets: 1/16 octave from 2 ms. */
function bucketOf(logMs: number): number {
  return Math.min(buckets - 1, Math.max(0, Math.floor(16 * (logMs / Math.LN2 - 1))));
}
