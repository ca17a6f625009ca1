// Prometheus as a source of the judge's intervals, and of single numbers for checks. It says in one sentence what is wrong
// and what to do whenever it cannot answer: then nothing passes and nothing is rolled back.
import type { Observation, ReplicaInterval } from "../../../domain/evidence.ts";
import type { Ms } from "../../../domain/frame.ts";
import type { Sample } from "../../../domain/metric.ts";
import { Problem, Temporary } from "../../../domain/problem.ts";
import type { MetricSource, SampleQuery } from "../../../engine/ports.ts";
import { isUnseen, observationsOf, replicasOf, sidesOf } from "../observations.ts";
import type { Reading, Scraped } from "../targets.ts";
import { agreed, clockDifferenceMaxMs, type Seen } from "./agree.ts";
import { seriesOf } from "./answer.ts";
import { ask, type Place } from "./client.ts";
import { filled, type Queries, rangeOf, selectors } from "./queries.ts";

export interface PrometheusSettings {
  /** Replicas of one Prometheus: each scrapes the same. */
  readonly places: readonly Place[];
  readonly queries: Queries;
  /** Length of an interval; scrapes must not be farther apart. 5 to 60 s. */
  readonly intervalMs: Ms;
}

type Asked = Parameters<MetricSource["read"]>[0];

export async function readPrometheus(
  asked: Asked,
  settings: PrometheusSettings,
  nowMs: () => Ms,
): Promise<readonly Observation[]> {
  const answers = await Promise.allSettled(settings.places.map((place) => seenBy(place, asked, settings, nowMs)));
  const seen = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const refusals = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  if (seen.length === 0) throw together(refusals);
  const [lost] = refusals;
  const observations = agreed(seen);
  if (lost === undefined) return observations;
  const remark = `without ${said(lost)}`;
  return observations.map((one) => ("missing" in one ? one : { ...one, remark: one.remark ?? remark }));
}

/** A number that an expression comes to now; of several series the query says itself which it means. */
export async function samplePrometheus(
  { query, ...named }: SampleQuery,
  settings: PrometheusSettings,
  nowMs: () => Ms,
): Promise<Sample> {
  const expression = filled(query, named);
  const answers = await Promise.allSettled(
    settings.places.map(async (place): Promise<Sample> => {
      const series = seriesOf(await ask(place, expression, nowMs), { url: place.url, unitMs: 1 });
      const values = series.flatMap(({ samples }) => samples.slice(-1).map(({ value }) => value));
      const [value] = values;
      if (typeof value !== "number" || Number.isNaN(value))
        return { missing: `${place.url} has no number for ${expression}` };
      if (values.length === 1) return { value };
      throw new Problem(
        `${expression} answers ${values.length} series, not one number`,
        "Bring it to one, with sum() or max()",
      );
    }),
  );
  const samples = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const found = samples.find((sample) => "value" in sample) ?? samples[0];
  if (found !== undefined) return found;
  throw answers.find((answer) => answer.status === "rejected")?.reason ?? new Temporary("no Prometheus is named");
}

/** Of the first that answers: replicas differ among themselves, however often each was scraped. */
export async function prometheusReplicas(
  asked: Asked,
  settings: PrometheusSettings,
  nowMs: () => Ms,
): Promise<readonly ReplicaInterval[]> {
  if (settings.queries.countedBy === "gateway") return [];
  const answers = await Promise.allSettled(settings.places.map((place) => scrapedBy(place, asked, settings, nowMs)));
  const found = answers.find((answer) => answer.status === "fulfilled");
  if (found === undefined) throw together(answers.flatMap((answer) => ("reason" in answer ? [answer.reason] : [])));
  const { scraped, reading, now } = found.value;
  return replicasOf(scraped, { asked, reading, intervalMs: settings.intervalMs, nowMs: now });
}

async function seenBy(place: Place, asked: Asked, settings: PrometheusSettings, nowMs: () => Ms): Promise<Seen> {
  const { intervalMs } = settings;
  const { scraped, reading, wanted, now } = await scrapedBy(place, asked, settings, nowMs);
  const found = observationsOf(scraped, { asked, reading, intervalMs, nowMs: now });
  if (found === "nothing") {
    throw nothingThere(place.url, wanted.find(({ side }) => isUnseen(side, scraped))?.selector ?? "");
  }
  if (found.spacingMs > 1.5 * intervalMs) throw scrapedTooSeldom(place.url, found.spacingMs, intervalMs);
  return { url: place.url, ...found };
}

async function scrapedBy(place: Place, asked: Asked, settings: PrometheusSettings, nowMs: () => Ms) {
  const { queries, intervalMs } = settings;
  const now = nowMs();
  const sides = sidesOf(asked);
  const unitMs = queries.unit === "s" ? 1000 : 1;
  const reading: Reading = { routeLabels: queries.route, unitMs, isShared: queries.countedBy === "gateway" };
  const wanted = sides.flatMap(({ side, revision }) =>
    selectors(queries, { ...asked, revision }).map((selector) => ({ side, ...selector })),
  );
  const scraped = await Promise.all(
    wanted.map(async ({ side, role, selector }): Promise<Scraped> => {
      const told = await ask(place, rangeOf(selector, now - asked.since + 3 * intervalMs), nowMs);
      if (Math.abs(told.aheadMs) > clockDifferenceMaxMs) throw clocksDisagree(place.url, told.aheadMs);
      return { side, role, series: seriesOf(told, { url: place.url, unitMs }) };
    }),
  );
  return { scraped, reading, wanted, now };
}

function nothingThere(url: string, selector: string): Temporary {
  return new Temporary(
    `${url} has nothing for ${selector}; look whether it scrapes the gateway or the replicas, and whether metrics.prometheus.gateway or queries name what is there`,
  );
}

function scrapedTooSeldom(url: string, spacingMs: Ms, intervalMs: Ms): Temporary {
  const [every, wanted] = [spacingMs, intervalMs].map((ms) => `${Math.round(ms / 1000)} s`);
  return new Temporary(
    `${url} scrapes every ${every}, and metrics.prometheus.interval is ${wanted}; set it to "${Math.ceil(spacingMs / 5000) * 5}s", or scrape more often`,
  );
}

function clocksDisagree(url: string, aheadMs: Ms): Temporary {
  const by = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? "ahead of" : "behind"}`;
  return new Temporary(`the clock of ${url} is ${by} ours; set both by NTP`);
}

/** The engine waits and holds, whatever it was; a person reads what to do. */
function together(refusals: readonly unknown[]): unknown {
  const bug = refusals.find((error) => !(error instanceof Problem) && !(error instanceof Temporary));
  return bug ?? new Temporary(refusals.map(said).join("; "));
}

function said(error: unknown): string {
  if (error instanceof Problem) return `${error.message} (${error.mend})`;
  return error instanceof Error ? error.message : String(error);
}
