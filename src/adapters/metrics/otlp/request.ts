// What OpenTelemetry pushes, OTLP 1.x as JSON or protobuf, as one value. Field numbers are those of
// opentelemetry/proto/metrics/v1/metrics.proto.
import { z } from "zod";
import { decode, type Fields } from "./protobuf.ts";

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
export type MetricData = z.output<typeof Metric>;
export type PointData = z.output<typeof Point>;

/** Throws when it is not such a request. */
export function parsePushed(body: Buffer, isJson: boolean): Pushed {
  return Request.parse(isJson ? JSON.parse(body.toString("utf8")) : decode(body, request));
}
