// What services push by OpenTelemetry as a source of the judge's intervals. Reports are kept as they came; what a counter
// rose by is found when it is asked for, so that any control plane may receive them and any worker read them.
import type { Observation, ReplicaInterval } from "../../../domain/evidence.ts";
import type { Ms } from "../../../domain/frame.ts";
import { Temporary } from "../../../domain/problem.ts";
import { type Asked, observationsOf, replicasOf, sidesOf } from "../observations.ts";
import type { Scraped, Series } from "../targets.ts";
import type { PushedCounter, Report } from "./reports.ts";

export interface PushedPoints {
  put(reports: readonly Report[]): Promise<void>;
  /** In the order of their times. */
  get(
    query: Pick<Report, "environment" | "service" | "revision"> & { readonly sinceMs: Ms },
  ): Promise<readonly Report[]>;
}

export interface ReadPushed {
  readonly pushed: PushedPoints;
  readonly intervalMs: Ms;
  readonly nowMs: Ms;
}

const reading = { routeLabels: ["route"], unitMs: 1, isShared: false };

export async function readPushed(asked: Asked, how: ReadPushed): Promise<readonly Observation[]> {
  const { intervalMs, nowMs } = how;
  const { service } = asked;
  const found = observationsOf(await toldOf(asked, how), { asked, reading, intervalMs, nowMs });
  if (found === "nothing") {
    throw new Temporary(
      `${service} pushed no metrics of ${[asked.stable, asked.candidate].filter(Boolean).join(" and ")}; let OTEL_EXPORTER_OTLP_METRICS_ENDPOINT lead to this control plane's /v1/metrics, and the resource name the revision`,
    );
  }
  if (found.spacingMs > 1.5 * intervalMs) {
    const [every, wanted] = [found.spacingMs, intervalMs].map((ms) => `${Math.round(ms / 1000)} s`);
    throw new Temporary(
      `${service} pushes every ${every}, and metrics.otlp.interval is ${wanted}; set OTEL_METRIC_EXPORT_INTERVAL=${intervalMs}, or the interval higher`,
    );
  }
  return found.observations;
}

export async function pushedReplicas(asked: Asked, how: ReadPushed): Promise<readonly ReplicaInterval[]> {
  return replicasOf(await toldOf(asked, how), { asked, reading, ...how });
}

async function toldOf(asked: Asked, { pushed, intervalMs }: ReadPushed): Promise<readonly Scraped[]> {
  const { environment, service, since } = asked;
  const sides = await Promise.all(
    sidesOf(asked).map(async ({ side, revision }) => {
      const reports = await pushed.get({ environment, service, revision, sinceMs: since - 3 * intervalMs });
      return countedIn(reports).map(({ role, series }): Scraped => ({ side, role, series }));
    }),
  );
  return sides.flat();
}

/** As series of counters that only grow: what came as increments is added up. */
function countedIn(reports: readonly Report[]): readonly Omit<Scraped, "side">[] {
  const sums = new Map<string, PushedCounter>();
  const series: Omit<Scraped, "side">[] = [];
  const add = (role: Scraped["role"], one: Series) => series.push({ role, series: [one] });
  for (const { replica, atMs, counters } of reports) {
    add("scraped", { labels: { instance: replica }, samples: [{ atMs, value: 0 }] });
    for (const counter of counters) {
      const key = `${replica} ${counter.id}`;
      const total = counter.isDelta ? plus(sums.get(key), counter) : counter;
      if (counter.isDelta) sums.set(key, total);
      const labels = { instance: replica, route: counter.route, id: counter.id };
      add("requests", {
        labels,
        samples: [{ atMs, value: total.role === "requests" || total.upTo ? total.count : 0 }],
      });
      if (counter.role === "errors") add("errors", { labels, samples: [{ atMs, value: total.count }] });
      else if (total.upTo !== undefined) {
        const upTo = new Map(total.upTo.map(([ms, count]) => [ms ?? Number.POSITIVE_INFINITY, count]));
        add("latency", { labels, samples: [{ atMs, value: upTo }] });
      }
    }
  }
  return series;
}

function plus(before: PushedCounter | undefined, now: PushedCounter): PushedCounter {
  if (before === undefined) return now;
  const known = new Map(before.upTo ?? []);
  const upTo = now.upTo?.map(([ms, count]): [Ms | null, number] => [ms, count + (known.get(ms) ?? 0)]);
  return { ...now, count: before.count + now.count, ...(upTo === undefined ? {} : { upTo }) };
}
