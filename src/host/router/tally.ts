// What the router counts, for the judge and for Prometheus: per interval, revision, route class and replica. Counts only,
// so they add up; on the hot path it is a few additions into arrays that already exist.
import { nativeBuckets } from "../../domain/evidence.ts";
import type { Ms } from "../../domain/frame.ts";
import type { CountedClass, CountedInterval, CountedReplica } from "../table.ts";
import { RouteClasses } from "./route-class.ts";

const bucketCount = nativeBuckets.log2Edges.length - 1;
const keptMs = 15 * 60_000;

/** One answer that ended, or a request that ended without. */
export interface Outcome {
  readonly revision: string;
  readonly replica: string;
  readonly routeClass: string;
  readonly isError: boolean;
  readonly latencyMs: number;
}

interface LiveClass {
  requests: number;
  errors: number;
  logLatencySum: number;
  logLatencySquareSum: number;
  readonly latency: Uint32Array;
  /** Its counters since the router started: looked up once an interval. */
  total: Total | undefined;
}
interface LiveReplica {
  requests: number;
  errors: number;
  logLatencySum: number;
  logLatencySquareSum: number;
  /** All routes together: a histogram for each route of each replica would be most of the router's memory. */
  readonly latency: Uint32Array;
}
interface LiveRevision {
  readonly classes: Map<string, LiveClass>;
  readonly replicas: Map<string, LiveReplica>;
}

/** Totals since the router started, for Prometheus. */
export interface Total {
  requests: number;
  errors: number;
  latencySumMs: number;
  readonly latency: Uint32Array;
}

export class Tally {
  readonly classes = new RouteClasses();
  /** By revision and route class. */
  readonly totals = new Map<string, Map<string, Total>>();
  intervalMs: Ms = 5_000;
  private startMs: Ms;
  private live = new Map<string, LiveRevision>();
  private readonly closed: CountedInterval[] = [];

  constructor(nowMs: Ms) {
    this.startMs = nowMs;
  }

  record(o: Outcome): void {
    let revision = this.live.get(o.revision);
    if (!revision) {
      revision = { classes: new Map(), replicas: new Map() };
      this.live.set(o.revision, revision);
    }
    let byClass = revision.classes.get(o.routeClass);
    if (!byClass) {
      byClass = { ...nothing(), total: undefined };
      revision.classes.set(o.routeClass, byClass);
    }
    let replica = revision.replicas.get(o.replica);
    if (!replica) {
      replica = nothing();
      revision.replicas.set(o.replica, replica);
    }
    byClass.total ??= this.totalOf(o);
    const { total } = byClass;
    byClass.requests++;
    replica.requests++;
    total.requests++;
    if (o.isError) {
      byClass.errors++;
      replica.errors++;
      total.errors++;
      return;
    }
    const log = Math.log(Math.max(o.latencyMs, 0.001));
    const bucket = bucketOf(log);
    byClass.latency[bucket] = (byClass.latency[bucket] ?? 0) + 1;
    total.latency[bucket] = (total.latency[bucket] ?? 0) + 1;
    total.latencySumMs += o.latencyMs;
    byClass.logLatencySum += log;
    byClass.logLatencySquareSum += log * log;
    replica.latency[bucket] = (replica.latency[bucket] ?? 0) + 1;
    replica.logLatencySum += log;
    replica.logLatencySquareSum += log * log;
  }

  /** Closes the interval when its time is over. To be called at least once an interval, and before a read. */
  turn(nowMs: Ms): void {
    const start = nowMs - (nowMs % this.intervalMs);
    if (start < this.startMs - this.intervalMs) this.beginAgain(start);
    if (start <= this.startMs) return;
    this.closed.push(frozen({ startMs: this.startMs, endMs: start, live: this.live }));
    while (this.closed[0] && this.closed[0].endMs < nowMs - keptMs) this.closed.shift();
    this.live = new Map();
    this.startMs = start;
    this.classes.rank();
  }

  /** The clock was set back: intervals of a time that is still to come would be read twice. */
  private beginAgain(startMs: Ms): void {
    this.closed.length = 0;
    this.live = new Map();
    this.startMs = startMs;
  }

  /** Closed intervals that begin at `sinceMs` or later; an open one would be read short. */
  intervals(sinceMs: Ms): readonly CountedInterval[] {
    return this.closed.filter((interval) => interval.startMs >= sinceMs);
  }

  forget(revision: string): void {
    this.totals.delete(revision);
    for (const byClass of this.live.get(revision)?.classes.values() ?? []) byClass.total = undefined;
  }

  private totalOf({ revision, routeClass }: Outcome): Total {
    const routes = this.totals.get(revision) ?? new Map<string, Total>();
    this.totals.set(revision, routes);
    const known = routes.get(routeClass);
    if (known) return known;
    const total = { requests: 0, errors: 0, latencySumMs: 0, latency: new Uint32Array(bucketCount) };
    routes.set(routeClass, total);
    return total;
  }
}

/** Bucket of a latency whose natural logarithm (of milliseconds) is given: below 2 ms is the first, too long the last. */
export function bucketOf(log: number): number {
  const bucket = Math.floor((log * Math.LOG2E - 1) * 16);
  return bucket < 0 ? 0 : bucket >= bucketCount ? bucketCount - 1 : bucket;
}

function nothing(): LiveReplica {
  return { requests: 0, errors: 0, logLatencySum: 0, logLatencySquareSum: 0, latency: new Uint32Array(bucketCount) };
}

function frozen(o: { startMs: Ms; endMs: Ms; live: ReadonlyMap<string, LiveRevision> }): CountedInterval {
  return {
    startMs: o.startMs,
    endMs: o.endMs,
    revisions: Object.fromEntries(
      [...o.live].map(([id, revision]) => [
        id,
        {
          classes: Object.fromEntries([...revision.classes].map(([name, counts]) => [name, classCounts(counts)])),
          replicas: Object.fromEntries<CountedReplica>(
            [...revision.replicas].map(([name, live]) => [name, { ...live, latency: trimmed(live.latency) }]),
          ),
        },
      ]),
    ),
  };
}

function classCounts({ total: _, ...live }: LiveClass): CountedClass {
  return { ...live, latency: trimmed(live.latency) };
}

function trimmed(latency: Uint32Array): readonly number[] {
  let length = bucketCount;
  while (length > 0 && latency[length - 1] === 0) length--;
  return [...latency.subarray(0, length)];
}
