// What the host's router counted, as the intervals that a bake is judged on; and probes from where we run.

import type { HostQuery } from "../../../domain/check.ts";
import type { Counts, Interval, ReplicaInterval, ReplicaMoments } from "../../../domain/evidence.ts";
import type { RevisionId } from "../../../domain/frame.ts";
import type { Sample } from "../../../domain/metric.ts";
import { Problem } from "../../../domain/problem.ts";
import type { MetricSource } from "../../../engine/ports.ts";
import type { SeenReplica } from "../../../host/api.ts";
import type { HostClient } from "../../../host/client.ts";
import type { CountedInterval } from "../../../host/table.ts";

export interface ReplicaQuery {
  readonly environment: string;
  readonly service: string;
  readonly revision: RevisionId;
  readonly since: number;
}

export function hostMetrics(host: Pick<HostClient, "intervals" | "get">): MetricSource {
  return {
    read: async ({ environment, service, stable, candidate, since }) => {
      const counted = await host.intervals({ service: `${environment}/${service}`, since });
      return counted
        .filter((interval) => interval.startMs >= since)
        .map((interval) => sided(interval, { ...(stable === undefined ? {} : { stable }), candidate }));
    },
    sample: async ({ environment, service, revision, source, query }) => {
      const read = hostNumbers[query as HostQuery];
      if (source !== "host" || read === undefined)
        throw new Problem(
          source === "host" ? `the host has no number "${query}"` : `there is no metric source "${source}"`,
          `The host has ${Object.keys(hostNumbers).join(", ")}`,
        );
      const seen = await host.get(`${environment}/${service}`);
      const replicas = (seen?.revisions[revision]?.replicas ?? []).filter(({ state }) => isPresent[state]);
      return replicas.length === 0 ? { missing: `${service} has no replica of ${revision}` } : read(replicas);
    },
    probe: async ({ method, url, status, bodyIncludes, withinMs }) => {
      const asked = `${method} ${url}`;
      try {
        const answer = await fetch(url, { method, signal: AbortSignal.timeout(withinMs), redirect: "manual" });
        const body = await answer.text();
        if (answer.status !== status)
          return { ok: false, because: `${asked} answered ${answer.status}, not ${status}` };
        if (bodyIncludes !== undefined && !body.includes(bodyIncludes)) {
          return { ok: false, because: `the answer to ${asked} does not hold ${JSON.stringify(bodyIncludes)}` };
        }
        return { ok: true, because: `${asked} answered ${status}` };
      } catch (error) {
        const timedOut = error instanceof Error && error.name === "TimeoutError";
        return { ok: false, because: timedOut ? `${asked} took longer than ${withinMs} ms` : `${asked} got no answer` };
      }
    },
  };
}

/** Of one revision, replica by replica; the router has no histogram for each route of each of them. */
export async function hostReplicas(
  host: Pick<HostClient, "intervals">,
  { environment, service, revision, since }: ReplicaQuery,
): Promise<readonly ReplicaInterval[]> {
  const counted = await host.intervals({ service: `${environment}/${service}`, since });
  return counted.map(({ startMs, endMs, revisions }) => ({
    startMs,
    endMs,
    replicas: Object.fromEntries(
      Object.entries(revisions[revision]?.replicas ?? {}).map(([id, { requests, errors, latency }]) => [
        id,
        { "all routes": { requests, errors, latency } },
      ]),
    ),
  }));
}

/** Of the replicas of one revision: of the one that uses most, for an average hides the one that is ill. */
const hostNumbers: Record<HostQuery, (replicas: readonly SeenReplica[]) => Sample> = {
  cpu: (replicas) => most(replicas.map(({ usage }) => usage?.cpuPercent)),
  memory: (replicas) => most(replicas.map(({ usage }) => usage?.memoryMiB)),
  memoryShare: (replicas) => most(replicas.map(({ usage }) => usage?.memoryPercent)),
  restarts: (replicas) => ({ value: replicas.reduce((sum, { restarts }) => sum + restarts, 0) }),
};

const isPresent: Record<SeenReplica["state"], boolean> = {
  starting: true,
  ready: true,
  unready: true,
  "backing off": true,
  draining: false,
  stopping: false,
  exited: false,
};

function most(values: readonly (number | undefined)[]): Sample {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? { missing: "it was not measured yet" } : { value: Math.max(...known) };
}

/** Pure: which side of the comparison each revision's counts are on. */
function sided(
  interval: CountedInterval,
  sides: { readonly stable?: RevisionId; readonly candidate: RevisionId },
): Interval {
  return {
    startMs: interval.startMs,
    endMs: interval.endMs,
    stable: sides.stable === undefined ? {} : countsOf(interval, sides.stable),
    candidate: countsOf(interval, sides.candidate),
    ...(sides.stable === undefined ? {} : { stableReplicas: momentsOf(interval, sides.stable) }),
  };
}

function momentsOf(interval: CountedInterval, revision: RevisionId): Readonly<Record<string, ReplicaMoments>> {
  const replicas = Object.entries(interval.revisions[revision]?.replicas ?? {});
  return Object.fromEntries(
    replicas.map(([id, { requests, errors, logLatencySum, logLatencySquareSum }]) => [
      id,
      { successes: requests - errors, logSum: logLatencySum, logSquareSum: logLatencySquareSum },
    ]),
  );
}

function countsOf(interval: CountedInterval, revision: RevisionId): Readonly<Record<string, Counts>> {
  const classes = Object.entries(interval.revisions[revision]?.classes ?? {});
  return Object.fromEntries(
    classes.map(([name, { requests, errors, latency }]) => [name, { requests, errors, latency }]),
  );
}
