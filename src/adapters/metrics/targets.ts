// From samples to spans. All series that come from one scrape target have the same scrape times and restart
// together, which tells apart what a single counter cannot: a restart from a counter that ran backwards, a series that
// appeared with its first error (it began at zero) from one that was not scraped before.
import type { Stratum } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";
import { edge, type UpTo } from "./layout.ts";
import { type Blank, type Side, type Span, spacingsMax } from "./spans.ts";

export type Labels = Readonly<Record<string, string>>;

/** Samples of a counter by the times at which its target told them; a histogram's are by upper edge in ms. */
export interface Series {
  readonly labels: Labels;
  readonly samples: readonly { readonly atMs: Ms; readonly value: number | UpTo }[];
}

/** `scraped`: nothing is counted, only that its target was scraped. */
export type Role = "requests" | "errors" | "latency" | "scraped";

export interface Scraped {
  readonly side: Side;
  readonly role: Role;
  readonly series: readonly Series[];
}

export interface Reading {
  /** Labels that name a route, joined by a space: ["method", "route"] is "GET /orders". */
  readonly routeLabels: readonly string[];
  /** Of the metric's unit: 1000 where it counts in seconds. */
  readonly unitMs: number;
  /** Gateways count for both sides at once: where they were scraped, a side without a series had no request. */
  readonly isShared: boolean;
}

/** One series, or one classic histogram: by scrape, what it counted; by upper edge in ms, a plain counter under 0. */
interface Counter {
  readonly role: Exclude<Role, "scraped">;
  readonly route: Stratum;
  readonly scrapes: Map<Ms, Map<Ms, number>>;
}

interface Target {
  readonly side: Side;
  readonly reporter: string;
  readonly times: Set<Ms>;
  readonly counters: Map<string, Counter>;
}

export interface Found {
  readonly spans: readonly Span[];
  readonly blanks: readonly Blank[];
  /** Between two scrapes, usually; 0 when nothing was scraped twice. */
  readonly spacingMs: Ms;
}

export function spansOf(scraped: readonly Scraped[], reading: Reading): Found {
  const targets = targetsOf(scraped, reading);
  const spacingMs = median(targets.flatMap(({ times }) => gaps([...times].sort((a, b) => a - b))));
  const found = targets.map((target) => spansOfTarget(target, spacingMs));
  return { spans: found.flatMap(({ spans }) => spans), blanks: found.flatMap(({ blanks }) => blanks), spacingMs };
}

function targetsOf(scraped: readonly Scraped[], reading: Reading): readonly Target[] {
  const targets = new Map<string, Target>();
  for (const { side, role, series } of scraped) {
    for (const { labels, samples } of series) {
      const { le, ...identity } = labels;
      const target = entry(targets, `${side} ${reporterOf(labels)}`, () => targetOf(side, reporterOf(labels)));
      for (const { atMs } of samples) target.times.add(atMs);
      if (role === "scraped") continue;
      const counter = entry(target.counters, JSON.stringify([role, identity]), () => ({
        role,
        route: routeOf(labels, reading),
        scrapes: new Map(),
      }));
      for (const { atMs, value } of samples) {
        const scrape = entry(counter.scrapes, atMs, () => new Map<Ms, number>());
        if (typeof value !== "number") for (const [ms, count] of value) scrape.set(ms, count);
        else scrape.set(role === "latency" ? upperEdge(le, reading) : 0, value);
      }
    }
  }
  if (reading.isShared) shareTimes(targets);
  return [...targets.values()];
}

function targetOf(side: Side, reporter: string): Target {
  return { side, reporter, times: new Set(), counters: new Map() };
}

/** A gateway that was scraped and shows nothing of a side counted nothing of it. */
function shareTimes(targets: Map<string, Target>): void {
  for (const { reporter, times } of [...targets.values()]) {
    for (const side of ["stable", "candidate"] as const) {
      const own = entry(targets, `${side} ${reporter}`, () => targetOf(side, reporter));
      for (const atMs of times) own.times.add(atMs);
    }
  }
}

/** Where it was scraped: Prometheus puts these two on everything. */
function reporterOf({ job = "", instance = "", pod = "" }: Labels): string {
  return instance === "" ? pod || job : `${job} ${instance}`.trim();
}

function routeOf(labels: Labels, { routeLabels }: Reading): Stratum {
  const parts = routeLabels.map((name) => labels[name] ?? "").filter((part) => part !== "");
  return parts.length === 0 ? "all" : parts.join(" ");
}

function upperEdge(le: string | undefined, { unitMs }: Reading): Ms {
  return le === "+Inf" ? Number.POSITIVE_INFINITY : edge(Number(le) * unitMs);
}

function spansOfTarget({ side, reporter, times, counters }: Target, spacingMs: Ms): Omit<Found, "spacingMs"> {
  const ordered = [...times].sort((a, b) => a - b);
  const [firstMs = 0] = ordered;
  const last = new Map<string, UpTo>();
  const spans: Span[] = [];
  const blanks: Blank[] = [];
  for (const [i, toMs] of ordered.entries()) {
    const fromMs = ordered[i - 1];
    const steps = [...counters].flatMap(([identity, counter]): Step[] => {
      const now = counter.scrapes.get(toMs);
      if (now === undefined) return [];
      const was = last.get(identity);
      last.set(identity, now);
      // In the first moments of what we look at, what was not there yet may only not have been asked for.
      return [{ ...counter, now, was: was ?? (toMs - firstMs <= 1.5 * spacingMs ? now : undefined) }];
    });
    if (fromMs === undefined) continue;
    const time = { side, reporter, fromMs, toMs };
    const silentS = Math.round((toMs - fromMs) / 1000);
    const because = toMs - fromMs > spacingsMax * spacingMs ? `not scraped for ${silentS} s` : whyUnknown(steps);
    if (because === undefined) spans.push({ ...time, rises: risesOf(steps) });
    else blanks.push({ ...time, because: `${reporter}: ${because}` });
  }
  return { spans, blanks };
}

interface Step extends Counter {
  readonly now: UpTo;
  /** Undefined where the counter is new to a target that was scraped before: it began at zero. */
  readonly was: UpTo | undefined;
}

function whyUnknown(steps: readonly Step[]): string | undefined {
  if (steps.some(({ now, was = now }) => [...now.values(), ...was.values()].some(Number.isNaN))) {
    return "a count is not a number";
  }
  if (isRestart(steps)) return undefined;
  if (steps.some(({ now, was }) => was !== undefined && [...was.keys()].some((key) => !now.has(key)))) {
    return "the latency buckets changed";
  }
  return steps.some(hasFallen) ? "a counter ran backwards" : undefined;
}

/** Then all of its counters began again at zero; one that fell while the requests rose is no restart. */
function isRestart(steps: readonly Step[]): boolean {
  const requests = steps.filter(({ role, was }) => role === "requests" && was !== undefined);
  const sum = (of: (step: Step) => UpTo | undefined) =>
    requests.reduce((all, step) => all + (of(step)?.get(0) ?? 0), 0);
  return sum(({ now }) => now) < sum(({ was }) => was);
}

function hasFallen({ now, was }: Step): boolean {
  return was !== undefined && [...now].some(([key, count]) => count < (was.get(key) ?? 0));
}

function risesOf(steps: readonly Step[]): Span["rises"] {
  const fromZero = isRestart(steps);
  const rises: Record<Stratum, { requests: number; errors: number; upTo: Map<Ms, number> }> = {};
  for (const { role, route, now, was } of steps) {
    rises[route] ??= { requests: 0, errors: 0, upTo: new Map() };
    const rise = rises[route];
    for (const [key, count] of now) {
      const risen = fromZero ? count : count - (was?.get(key) ?? 0);
      if (role === "latency") rise.upTo.set(key, (rise.upTo.get(key) ?? 0) + risen);
      else rise[role] += risen;
    }
  }
  return rises;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function gaps(times: readonly Ms[]): readonly Ms[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? time));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
