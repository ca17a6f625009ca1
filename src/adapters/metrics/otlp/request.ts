// What OpenTelemetry pushes, OTLP 1.x as JSON or protobuf, as reports of one replica's counters. Field numbers are those of
// opentelemetry/proto/metrics/v1/metrics.proto.
import { z } from "zod";
import type { Ms } from "../../../domain/frame.ts";
import { edge, exponentialEdges, type UpTo } from "../layout.ts";
import { decode, type Fields } from "./protobuf.ts";

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

const attributes: Fields = {
  1: { name: "key", type: "string" },
  2: {
    name: "value",
    type: {
      1: { name: "stringValue", type: "string" },
      2: { name: "boolValue", type: "bool" },
      3: { name: "intValue", type: "int64" },
      4: { name: "doubleValue", type: "double" },
    },
  },
};
const times: Fields = {
  2: { name: "startTimeUnixNano", type: "fixed64" },
  3: { name: "timeUnixNano", type: "fixed64" },
};
const points = (type: Fields): Fields => ({
  1: { name: "dataPoints", type, isRepeated: true },
  2: { name: "aggregationTemporality", type: "uint64" },
  3: { name: "isMonotonic", type: "bool" },
});
const exponentialBuckets: Fields = {
  1: { name: "offset", type: "sint32" },
  2: { name: "bucketCounts", type: "uint64", isRepeated: true },
};
const metric: Fields = {
  1: { name: "name", type: "string" },
  3: { name: "unit", type: "string" },
  7: {
    name: "sum",
    type: points({
      ...times,
      4: { name: "asDouble", type: "double" },
      6: { name: "asInt", type: "sfixed64" },
      7: { name: "attributes", type: attributes, isRepeated: true },
    }),
  },
  9: {
    name: "histogram",
    type: points({
      ...times,
      4: { name: "count", type: "fixed64" },
      6: { name: "bucketCounts", type: "fixed64", isRepeated: true },
      7: { name: "explicitBounds", type: "double", isRepeated: true },
      9: { name: "attributes", type: attributes, isRepeated: true },
    }),
  },
  10: {
    name: "exponentialHistogram",
    type: points({
      ...times,
      1: { name: "attributes", type: attributes, isRepeated: true },
      4: { name: "count", type: "fixed64" },
      6: { name: "scale", type: "sint32" },
      7: { name: "zeroCount", type: "fixed64" },
      8: { name: "positive", type: exponentialBuckets },
    }),
  },
};
const request: Fields = {
  1: {
    name: "resourceMetrics",
    isRepeated: true,
    type: {
      1: { name: "resource", type: { 1: { name: "attributes", type: attributes, isRepeated: true } } },
      2: { name: "scopeMetrics", type: { 2: { name: "metrics", type: metric, isRepeated: true } }, isRepeated: true },
    },
  },
};

// The same shape in both encodings; JSON spells 64-bit numbers as strings.
const Count = z.coerce.number();
const Attributes = z
  .array(
    z.object({
      key: z.string(),
      value: z
        .object({ stringValue: z.string(), intValue: Count, doubleValue: z.number(), boolValue: z.boolean() })
        .partial()
        .optional(),
    }),
  )
  .default([]);
const Point = z.object({
  attributes: Attributes,
  startTimeUnixNano: Count.default(0),
  timeUnixNano: Count.default(0),
});
const temporality = { aggregationTemporality: Count.default(0) };
const Metric = z.object({
  name: z.string(),
  unit: z.string().default(""),
  sum: z
    .object({
      ...temporality,
      dataPoints: z.array(Point.extend({ asInt: Count.optional(), asDouble: Count.optional() })).default([]),
    })
    .optional(),
  histogram: z
    .object({
      ...temporality,
      dataPoints: z
        .array(
          Point.extend({
            count: Count.default(0),
            bucketCounts: z.array(Count).default([]),
            explicitBounds: z.array(Count).default([]),
          }),
        )
        .default([]),
    })
    .optional(),
  exponentialHistogram: z
    .object({
      ...temporality,
      dataPoints: z
        .array(
          Point.extend({
            count: Count.default(0),
            scale: Count.default(0),
            zeroCount: Count.default(0),
            positive: z
              .object({ offset: Count.default(0), bucketCounts: z.array(Count).default([]) })
              .default({ offset: 0, bucketCounts: [] }),
          }),
        )
        .default([]),
    })
    .optional(),
});
const Request = z.object({
  resourceMetrics: z
    .array(
      z.object({
        resource: z.object({ attributes: Attributes }).optional(),
        scopeMetrics: z.array(z.object({ metrics: z.array(Metric).default([]) })).default([]),
      }),
    )
    .default([]),
});

export type Pushed = z.output<typeof Request>;

/** Throws when it is not such a request. */
export function parsePushed(body: Buffer, isJson: boolean): Pushed {
  return Request.parse(isJson ? JSON.parse(body.toString("utf8")) : decode(body, request));
}

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

type MetricData = z.output<typeof Metric>;

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

type PointData = z.output<typeof Point>;

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

function textsOf(given: z.output<typeof Attributes>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map(({ key, value = {} }) => [
      key,
      String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? ""),
    ]),
  );
}
