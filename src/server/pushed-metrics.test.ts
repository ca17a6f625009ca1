// Metrics that services push, by OpenTelemetry's own exporters.

import { setTimeout as sleep } from "node:timers/promises";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, test } from "vitest";
import { readPushed } from "../adapters/metrics/otlp/source.ts";
import { isInterval } from "../domain/evidence.ts";
import { host, raw, server, store, token } from "../testing/api.ts";
import { metricsTokenOf } from "./auth.ts";
import { listen } from "./listen.ts";

describe("metrics that services push by OpenTelemetry", () => {
  const buckets = [0.005, 0.05, 0.5, 5];
  const seconds = "http.server.request.duration";

  async function service(
    revision: string,
    {
      temporality,
      isExponential,
      isJson,
    }: { temporality: AggregationTemporality; isExponential: boolean; isJson: boolean },
    port: number,
  ) {
    const options = {
      url: `http://127.0.0.1:${port}/v1/metrics`,
      headers: { authorization: `Bearer ${metricsTokenOf(token)}` },
      compression: CompressionAlgorithm.GZIP,
      temporalityPreference: temporality,
    };
    const exporter = isJson ? new JsonExporter(options) : new ProtoExporter(options);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
    const aggregation = isExponential
      ? { type: AggregationType.EXPONENTIAL_HISTOGRAM as const }
      : { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM as const, options: { boundaries: buckets } };
    const provider = new MeterProvider({
      resource: resourceFromAttributes({
        "service.name": "web",
        "deployment.environment.name": "production",
        "sluice.revision": revision,
        "service.instance.id": `${revision}-a`,
      }),
      readers: [reader],
      views: [{ instrumentName: seconds, aggregation }],
    });
    const durations = provider.getMeter("test").createHistogram(seconds, { unit: "s" });
    return {
      answer: (status: number, took: number) =>
        durations.record(took, {
          "http.request.method": "GET",
          "http.route": "/orders",
          "http.response.status_code": status,
        }),
      push: () => provider.forceFlush(),
      stop: () => provider.shutdown(),
    };
  }

  const { CUMULATIVE, DELTA } = AggregationTemporality;
  test.each([
    { name: "totals, buckets, protobuf", temporality: CUMULATIVE, isExponential: false, isJson: false },
    { name: "deltas, buckets, JSON", temporality: DELTA, isExponential: false, isJson: true },
    { name: "totals, exponential, JSON", temporality: CUMULATIVE, isExponential: true, isJson: true },
    { name: "deltas, exponential, protobuf", temporality: DELTA, isExponential: true, isJson: false },
  ])("are counted whole, on their side, by route: $name", async (how) => {
    const listening = await listen(server.app, { port: 0 });
    const [old, fresh] = await Promise.all([
      service("web-1", how, listening.port),
      service("web-2", how, listening.port),
    ]);
    const started = Date.now();
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 8; i++) old.answer(i === 0 ? 500 : 200, 0.02);
      fresh.answer(200, 2);
      await Promise.all([old.push(), fresh.push()]);
      await sleep(250);
    }
    await Promise.all([old.stop(), fresh.stop()]);
    const observed = await readPushed(
      { environment: "production", service: "web", stable: "web-1", candidate: "web-2", since: started },
      { pushed: store.pushed, intervalMs: 500, nowMs: started + 10_000 },
    );
    const counted = observed.filter(isInterval);
    const sum = (side: "stable" | "candidate", of: "requests" | "errors") =>
      counted.reduce((all, one) => all + (one[side]["GET /orders"]?.[of] ?? 0), 0);
    // Of the first report nobody knows since when it counts; the interval of the last is not over.
    expect(sum("stable", "requests")).toBeGreaterThanOrEqual(8);
    expect(sum("stable", "requests")).toBeLessThanOrEqual(32);
    expect(sum("stable", "errors")).toBeGreaterThanOrEqual(1);
    expect(Math.abs(sum("stable", "requests") / 8 - sum("candidate", "requests"))).toBeLessThanOrEqual(1);
    const slowest = (side: "stable" | "candidate") => {
      const [one] = counted.flatMap((interval) => {
        const latency = interval[side]["GET /orders"]?.latency ?? [];
        const b = latency.findLastIndex((count) => count > 0);
        return b < 0 ? [] : [2 ** (interval.buckets?.log2Edges[b + 1] ?? 0)];
      });
      return Math.round(one ?? 0);
    };
    if (how.isExponential) {
      expect(slowest("stable")).toBeGreaterThanOrEqual(20);
      expect(slowest("stable")).toBeLessThan(23);
      expect(slowest("candidate")).toBeLessThan(2_300);
    } else expect([slowest("stable"), slowest("candidate")]).toEqual([50, 5_000]);
    await listening.close();
  });

  test("what is no such request is refused in a sentence, what belongs to no release is told, and the token for it does nothing else", async () => {
    const push = (body: string, headers: Record<string, string> = {}) =>
      server.app.request("/v1/metrics", {
        method: "POST",
        headers: {
          host,
          authorization: `Bearer ${metricsTokenOf(token)}`,
          "content-type": "application/json",
          ...headers,
        },
        body,
      });
    expect(await (await push("nonsense", { "content-type": "application/x-protobuf" })).json()).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/^this is no OTLP request: /),
    });
    expect((await push("nonsense", { "content-encoding": "gzip" })).status).toBe(400);
    const nobody = await push('{"resourceMetrics":[{"resource":{},"scopeMetrics":[]}]}');
    expect((await nobody.json()).partialSuccess.errorMessage).toMatch(/^a resource without service.name/);
    const { token: given } = await (
      await raw("/api/v1/metrics-token", { headers: { authorization: `Bearer ${token}` } })
    ).json();
    expect(given).toBe(metricsTokenOf(token));
    expect((await raw("/metrics", { headers: { authorization: `Bearer ${given}` } })).status).not.toBe(401);
    expect((await raw("/api/v1/metrics-token", { headers: { authorization: `Bearer ${given}` } })).status).toBe(401);
    expect((await push("{}", { authorization: "Bearer wrong" })).status).toBe(401);
    expect(
      (await raw("/api/v1/status", { headers: { authorization: `Bearer ${metricsTokenOf(token)}` } })).status,
    ).toBe(401);
  });
});
