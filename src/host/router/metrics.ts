// The router's counters as Prometheus text (exposition format 0.0.4).
import { nativeBuckets } from "../../domain/evidence.ts";
import type { Service } from "./service.ts";
import type { Total } from "./tally.ts";

/** Every fourth native bucket: a quarter of an octave is enough for graphs. */
const step = 4;

export function metricsText(services: ReadonlyMap<string, Service>, clients: number): string {
  const lines = ["# TYPE sluice_router_connections gauge", `sluice_router_connections ${clients}`];
  const all = [...services.values()];
  const family = (name: string, kind: string, of: (service: Service) => readonly string[]): void => {
    lines.push(`# TYPE ${name} ${kind}`, ...all.flatMap(of));
  };
  family("sluice_requests_total", "counter", (s) => perRevision(s, (t) => t.requests, "sluice_requests_total"));
  family("sluice_errors_total", "counter", (s) => perRevision(s, (t) => t.errors, "sluice_errors_total"));
  family("sluice_unanswered_total", "counter", (s) => [`sluice_unanswered_total{service="${s.key}"} ${s.unanswered}`]);
  family("sluice_buffered", "gauge", (s) => [`sluice_buffered{service="${s.key}"} ${s.waiting.count}`]);
  family("sluice_in_flight", "gauge", (s) =>
    [...s.revisions.values()].map((r) => `sluice_in_flight{service="${s.key}",revision="${r.id}"} ${r.inFlight}`),
  );
  family("sluice_weight", "gauge", (s) =>
    [...s.revisions.values()].map((r) => `sluice_weight{service="${s.key}",revision="${r.id}"} ${r.weight}`),
  );
  family("sluice_mirrored_total", "counter", (s) =>
    [...s.mirrored].map(([id, m]) => `sluice_mirrored_total{service="${s.key}",revision="${id}"} ${m.requests}`),
  );
  family("sluice_mirrored_errors_total", "counter", (s) =>
    [...s.mirrored].map(([id, m]) => `sluice_mirrored_errors_total{service="${s.key}",revision="${id}"} ${m.errors}`),
  );
  family("sluice_latency_seconds", "histogram", (s) =>
    [...s.tally.totals].flatMap(([id, total]) => histogram(`service="${s.key}",revision="${id}"`, total)),
  );
  return `${lines.join("\n")}\n`;
}

function perRevision(service: Service, of: (total: Total) => number, name: string): readonly string[] {
  return [...service.tally.totals].map(([id, t]) => `${name}{service="${service.key}",revision="${id}"} ${of(t)}`);
}

function histogram(labels: string, total: Total): readonly string[] {
  const lines: string[] = [];
  let sum = 0;
  for (let b = 0; b < total.latency.length; b++) {
    sum += total.latency[b] ?? 0;
    const edge = 2 ** (nativeBuckets.log2Edges[b + 1] ?? 0) / 1_000;
    const isShown = (b + 1) % step === 0 && b + 1 < total.latency.length;
    if (isShown) lines.push(`sluice_latency_seconds_bucket{${labels},le="${edge.toPrecision(6)}"} ${sum}`);
  }
  return [
    ...lines,
    `sluice_latency_seconds_bucket{${labels},le="+Inf"} ${sum}`,
    `sluice_latency_seconds_sum{${labels}} ${(total.latencySumMs / 1_000).toFixed(6)}`,
    `sluice_latency_seconds_count{${labels}} ${sum}`,
  ];
}
