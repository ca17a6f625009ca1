// What the host's router counted, as the intervals that a bake is judged on; and probes from where we run.
import type { Counts, Interval } from "../../../domain/evidence.ts";
import type { RevisionId } from "../../../domain/frame.ts";
import type { MetricSource } from "../../../engine/ports.ts";
import type { HostClient } from "../../../host/client.ts";
import type { CountedInterval } from "../../../host/table.ts";

export function hostMetrics(host: Pick<HostClient, "intervals">): MetricSource {
  return {
    read: async ({ environment, service, stable, candidate, since }) => {
      const counted = await host.intervals({ service: `${environment}/${service}`, since });
      return counted
        .filter((interval) => interval.startMs >= since)
        .map((interval) => sided(interval, { ...(stable === undefined ? {} : { stable }), candidate }));
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

/** Pure: which side of the comparison each revision's counts are on. */
export function sided(
  interval: CountedInterval,
  sides: { readonly stable?: RevisionId; readonly candidate: RevisionId },
): Interval {
  return {
    startMs: interval.startMs,
    endMs: interval.endMs,
    stable: sides.stable === undefined ? {} : countsOf(interval, sides.stable),
    candidate: countsOf(interval, sides.candidate),
  };
}

function countsOf(interval: CountedInterval, revision: RevisionId): Readonly<Record<string, Counts>> {
  const classes = Object.entries(interval.revisions[revision]?.classes ?? {});
  return Object.fromEntries(
    classes.map(([name, { requests, errors, latency }]) => [name, { requests, errors, latency }]),
  );
}
