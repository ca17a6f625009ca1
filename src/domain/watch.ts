// After a deployment has ended it may be watched on: conditions that, when they hold for their time, take it back by
// themselves, or ask a person first.
import { quantile } from "./absolute.ts";
import type { Comparator, Finding } from "./check.ts";
import { type Interval, nativeBuckets } from "./evidence.ts";
import type { Ms } from "./frame.ts";
import type { HealthStatus } from "./health.ts";
import { isBeyond } from "./metric.ts";
import { minutes } from "./minutes.ts";
import type { ServiceName } from "./plan.ts";
import { summed } from "./tally.ts";

export interface Watch {
  readonly lastsMs: Ms;
  /** A person is asked first. Never for a retreat inside a rollout, nor for a rollback that a person asks for. */
  readonly manualApprovalRequired: boolean;
  readonly conditions: readonly Condition[];
}

export type Condition = {
  /** Only these services; all that changed, unless it says. */
  readonly services?: readonly ServiceName[];
  /** How long it must hold. */
  readonly forMs: Ms;
} & (
  | { readonly kind: "health"; readonly atLeast: Exclude<HealthStatus, "healthy"> }
  /** A part that a service's own health answer lists: "database". */
  | { readonly kind: "part"; readonly part: string }
  | { readonly kind: "errors"; readonly rateMax: number; readonly minimumRequests: number }
  | { readonly kind: "latency"; readonly quantile: number; readonly limitMs: Ms; readonly minimumRequests: number }
  /** A number of a metric source: the host's own, or what a query of its language answers. */
  | {
      readonly kind: "metric";
      readonly source: string;
      readonly query: string;
      readonly comparator: Comparator;
      readonly limit: number;
    }
);

/** What is known of one service at one moment. */
export interface Sight {
  readonly service: ServiceName;
  readonly intervals: readonly Interval[];
  /** What a metric source says. */
  readonly value?: number;
  readonly health?: HealthStatus;
  /** The worst that any replica says of each part. */
  readonly parts?: Readonly<Record<string, HealthStatus>>;
}

export interface Seen {
  readonly holds: boolean;
  readonly because: string;
}

/** One name for one condition: "errors of api". */
export function nameOf(condition: Condition, service?: ServiceName): string {
  const of = service === undefined ? "" : ` of ${service}`;
  switch (condition.kind) {
    case "health":
      return `health${of}`;
    case "part":
      return `${condition.part}${of}`;
    case "errors":
      return `error share${of}`;
    case "latency":
      return `p${Math.round(condition.quantile * 1000) / 10} latency${of}`;
    case "metric":
      return `${condition.query}${of}`;
  }
}

/** Whether it holds at this moment; undefined where nothing is known, which never takes anything back. */
export function sees(condition: Condition, sight: Sight): Seen | undefined {
  const name = nameOf(condition, sight.service);
  switch (condition.kind) {
    case "health": {
      const { health } = sight;
      if (health === undefined) return undefined;
      const holds = rank[health] >= rank[condition.atLeast];
      return { holds, because: `${name}: ${health}` };
    }
    case "part": {
      const status = sight.parts?.[condition.part];
      if (status === undefined) return undefined;
      return { holds: status !== "healthy", because: `${name}: ${status}` };
    }
    case "errors": {
      const { requests, errors } = summed(sight.intervals).whole.candidate;
      if (requests < condition.minimumRequests) return undefined;
      const share = errors / requests;
      const because = `${name}: ${percent(share)} (${errors} of ${requests}), limit ${percent(condition.rateMax)}`;
      return { holds: share > condition.rateMax, because };
    }
    case "latency": {
      const { buckets, whole } = summed(sight.intervals);
      const { requests, errors, latency } = whole.candidate;
      if (requests - errors < condition.minimumRequests) return undefined;
      const here = quantile(latency, condition.quantile, buckets);
      const because = `${name}: ${Math.round(here)} ms, limit ${condition.limitMs} ms`;
      return { holds: here > condition.limitMs, because };
    }
    case "metric": {
      const { comparator, limit } = condition;
      if (sight.value === undefined) return undefined;
      const because = `${name}: ${sight.value}, and ${comparator} ${limit} is bad`;
      return { holds: isBeyond(comparator, sight.value, limit), because };
    }
  }
}

/** As it is written down: of its intervals the sums, which say the same. */
export function recordedSight({ intervals, ...sight }: Sight): Sight {
  const [first, last] = [intervals[0], intervals.at(-1)];
  if (first === undefined || last === undefined) return { ...sight, intervals };
  const { buckets, whole } = summed(intervals);
  const together = { startMs: first.startMs, endMs: last.endMs, stable: {}, candidate: { all: whole.candidate } };
  return { ...sight, intervals: [{ ...together, ...(buckets === nativeBuckets ? {} : { buckets }) }] };
}

const rank: Readonly<Record<HealthStatus, number>> = { healthy: 0, degraded: 1, unhealthy: 2 };

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}

/** In words, for plans. */
export function tellCondition(condition: Condition): string {
  const where = condition.services === undefined ? "" : ` of ${condition.services.join(", ")}`;
  const lasting = condition.forMs > 0 ? ` for ${minutes(condition.forMs)}` : "";
  switch (condition.kind) {
    case "health":
      return `health${where} ${condition.atLeast}${lasting}`;
    case "part":
      return `${condition.part}${where} not healthy${lasting}`;
    case "errors":
      return `errors${where} above ${percent(condition.rateMax)}${lasting}`;
    case "latency":
      return `${nameOf(condition)}${where} above ${minutes(condition.limitMs)}${lasting}`;
    case "metric":
      return `${condition.query}${where} ${condition.comparator} ${condition.limit}${lasting}`;
  }
}

/** The finding that a condition makes when it has held for its time. */
export function findingOf(condition: Condition, { because }: Seen, service?: ServiceName): Finding {
  return { check: nameOf(condition, service), verdict: "fail", because };
}
