// What replicas push by OpenTelemetry, as reports: one replica's counters of requests at one moment, on its side.
import type { Ms } from "../../../domain/frame.ts";
import { edge, exponentialEdges, type UpTo } from "../layout.ts";
import type { MetricData, PointData, Pushed } from "./request.ts";

/** What one replica told at one moment. */
export interface Report {
  readonly environment: string;
  readonly service: string;
  readonly revision: string;
  readonly replica: string;
  readonly atMs: Ms;
  readonly counters: readonly PushedCounter[];
}

export interface PushedCounter {
  /** Tells it apart from the replica's others: metric, attributes and when it began to count. */
  readonly id: string;
  readonly route: string;
  readonly role: "requests" | "errors";
  /** What came since the last report, or since the beginning. */
  readonly isDelta: boolean;
  readonly count: number;
  /** Of a histogram, in ms; Infinity as null. */
  readonly upTo?: readonly (readonly [Ms | null, number])[];
}

const countersMax = 2_000;

export interface Understood {
  readonly reports: readonly Report[];
  /** What was left out and why, in a sentence. */
  readonly leftOut?: string;
}

/** Reports of the replicas that say who they are, with the counters that tell of requests. */
export function reportsOf({ resourceMetrics }: Pushed): Understood {
  const reports: Report[] = [];
  let leftOut: string | undefined;
  for (const { resource, scopeMetrics } of resourceMetrics) {
    const told = textsOf(resource?.attributes ?? []);
    const environment = told["deployment.environment.name"] ?? told["deployment.environment"];
    const [service, revision] = [told["service.name"], told["sluice.revision"] ?? told["service.version"]];
    if (environment === undefined || service === undefined || revision === undefined) {
      leftOut =
        "a resource without service.name, deployment.environment.name and sluice.revision (or service.version) belongs to no release";
      continue;
    }
    const all = scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(countersOf));
    if (all.length > countersMax) leftOut = `only ${countersMax} counters of a replica are kept, it has ${all.length}`;
    const atMs = Math.max(0, ...scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(timesOf)));
    const replica = told["service.instance.id"] ?? [told["host.name"], told["process.pid"]].filter(Boolean).join(" ");
    if (atMs > 0) {
      reports.push({ environment, service, revision, replica, atMs, counters: all.slice(0, countersMax) });
    }
  }
  return { reports, ...(leftOut === undefined ? {} : { leftOut }) };
}

/** Durations of requests, by the stable and the older conventions; or plain counters for what is no HTTP server. */
const durations = ["http.server.request.duration", "http.server.duration", "rpc.server.duration"];
const counts: Readonly<Record<string, PushedCounter["role"]>> = {
  "sluice.requests": "requests",
  "sluice.errors": "errors",
};

function countersOf({ name, unit, sum, histogram, exponentialHistogram }: MetricData): readonly PushedCounter[] {
  const role = counts[name];
  if (role !== undefined) {
    return (sum?.dataPoints ?? []).map((point) => ({
      ...identified(name, point, sum?.aggregationTemporality === 1),
      role,
      count: point.asInt ?? point.asDouble ?? 0,
    }));
  }
  if (!durations.includes(name)) return [];
  const unitMs = unit === "s" ? 1000 : 1;
  return [
    ...(histogram?.dataPoints ?? []).map((point) => ({
      ...counted(name, point, histogram?.aggregationTemporality),
      upTo: plain(explicitUpTo(point, unitMs)),
    })),
    ...(exponentialHistogram?.dataPoints ?? []).map((point) => ({
      ...counted(name, point, exponentialHistogram?.aggregationTemporality),
      upTo: plain(exponentialUpTo(point, unitMs)),
    })),
  ];
}

function counted(name: string, point: PointData & { count: number }, temporalityIs: number | undefined): PushedCounter {
  const {
    "http.response.status_code": status,
    "http.status_code": old,
    "rpc.grpc.status_code": grpc,
  } = textsOf(point.attributes);
  const isError = Number(status ?? old ?? 0) >= 500 || ["2", "4", "13", "14", "15"].includes(grpc ?? "");
  const role = isError ? "errors" : "requests";
  return { ...identified(name, point, temporalityIs === 1), role, count: point.count };
}

function identified(
  name: string,
  { attributes: given, startTimeUnixNano }: PointData,
  isDelta: boolean,
): Pick<PushedCounter, "id" | "route" | "isDelta"> {
  const told = textsOf(given);
  const method = told["http.request.method"] ?? told["http.method"] ?? told["rpc.method"];
  const route = [method, told["http.route"]].filter((part) => part !== undefined).join(" ");
  // A total that begins anew is another counter: that is how a restart is told.
  const id = JSON.stringify([name, told, ...(isDelta ? [] : [startTimeUnixNano])]);
  return { id, route: route === "" ? "all" : route, isDelta };
}

function explicitUpTo(
  point: { count: number; bucketCounts: readonly number[]; explicitBounds: readonly number[] },
  unitMs: number,
): UpTo {
  let below = 0;
  const edges = point.explicitBounds.map((bound, i): [Ms, number] => {
    below += point.bucketCounts[i] ?? 0;
    return [edge(bound * unitMs), below];
  });
  return new Map([...edges, [Number.POSITIVE_INFINITY, point.count]]);
}

/** Bucket i of the positive ones holds (2^((offset+i)/2^scale), 2^((offset+i+1)/2^scale)]. */
function exponentialUpTo(
  point: {
    count: number;
    scale: number;
    zeroCount: number;
    positive: { offset: number; bucketCounts: readonly number[] };
  },
  unitMs: number,
): UpTo {
  const { offset, bucketCounts } = point.positive;
  const edges = exponentialEdges(point.scale, unitMs).map(({ index, ms }): [Ms, number] => {
    const within = bucketCounts.slice(0, Math.max(0, index - offset));
    return [ms, within.reduce((sum, n) => sum + n, point.zeroCount)];
  });
  return new Map([...edges, [Number.POSITIVE_INFINITY, point.count]]);
}

function plain(upTo: UpTo): NonNullable<PushedCounter["upTo"]> {
  return [...upTo].map(([ms, count]) => [Number.isFinite(ms) ? ms : null, count]);
}

function timesOf({ sum, histogram, exponentialHistogram }: MetricData): readonly Ms[] {
  const given = [sum, histogram, exponentialHistogram].flatMap((one): readonly PointData[] => one?.dataPoints ?? []);
  return given.map(({ timeUnixNano }) => Math.round(timeUnixNano / 1e6));
}

function textsOf(given: PointData["attributes"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map(({ key, value = {} }) => [
      key,
      String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? ""),
    ]),
  );
}
