// The router's counters as Prometheus text: by service, revision and route, which is what a judge elsewhere needs as well.
import { nativeBuckets } from "../../domain/evidence.ts";
import { expositionOf, type Family, type Sample } from "../exposition.ts";
import type { Revision } from "./revision.ts";
import type { Service } from "./service.ts";
import type { Total } from "./tally.ts";

/** Every fourth native bucket: a quarter of an octave. */
const step = 4;

export function metricsText(services: ReadonlyMap<string, Service>, clients: number): string {
  const all = [...services.values()];
  const families: readonly Family[] = [
    {
      name: "sluice_router_connections",
      type: "gauge",
      help: "Open connections of clients.",
      samples: [{ labels: {}, value: clients }],
    },
    {
      name: "sluice_requests_total",
      type: "counter",
      help: "Requests that a revision answered, or failed to.",
      samples: all.flatMap((service) => perRoute(service, ({ requests }) => requests)),
    },
    {
      name: "sluice_errors_total",
      type: "counter",
      help: "Of these, answers with a 5xx status and requests without an answer.",
      samples: all.flatMap((service) => perRoute(service, ({ errors }) => errors)),
    },
    {
      name: "sluice_latency_seconds",
      type: "histogram",
      help: "Time until the last byte of an answer that is no error; of a stream, until its head.",
      samples: all.flatMap((service) => totalsOf(service).flatMap(([labels, total]) => histogram(labels, total))),
    },
    {
      name: "sluice_unanswered_total",
      type: "counter",
      help: "Requests for which no replica was found.",
      samples: all.map((service) => ({ labels: { service: service.key }, value: service.unanswered })),
    },
    {
      name: "sluice_buffered",
      type: "gauge",
      help: "Requests held at a switch.",
      samples: all.map((service) => ({ labels: { service: service.key }, value: service.waiting.count })),
    },
    {
      name: "sluice_in_flight",
      type: "gauge",
      help: "Requests that a revision is answering.",
      samples: all.flatMap((service) => perRevision(service, ({ inFlight }) => inFlight)),
    },
    {
      name: "sluice_weight",
      type: "gauge",
      help: "Share of the traffic in percent.",
      samples: all.flatMap((service) => perRevision(service, ({ weight }) => weight)),
    },
    {
      name: "sluice_mirrored_total",
      type: "counter",
      help: "Copies of requests, whose answers were thrown away.",
      samples: all.flatMap((service) => mirrored(service, "requests")),
    },
    {
      name: "sluice_mirrored_errors_total",
      type: "counter",
      help: "Of these, answers with an error.",
      samples: all.flatMap((service) => mirrored(service, "errors")),
    },
  ];
  return families.map(expositionOf).join("");
}

type Labels = Sample["labels"];

function totalsOf({ key, tally }: Service): readonly (readonly [Labels, Total])[] {
  return [...tally.totals].flatMap(([revision, routes]) =>
    [...routes].map(([route, total]) => [{ service: key, revision, route }, total] as const),
  );
}

function perRoute(service: Service, of: (total: Total) => number): readonly Sample[] {
  return totalsOf(service).map(([labels, total]) => ({ labels, value: of(total) }));
}

function perRevision({ key, revisions }: Service, of: (revision: Revision) => number): readonly Sample[] {
  return [...revisions.values()].map((revision) => ({
    labels: { service: key, revision: revision.id },
    value: of(revision),
  }));
}

function mirrored({ key, mirrored: copies }: Service, what: "requests" | "errors"): readonly Sample[] {
  return [...copies].map(([revision, counts]) => ({ labels: { service: key, revision }, value: counts[what] }));
}

function histogram(labels: Labels, total: Total): readonly Sample[] {
  const samples: Sample[] = [];
  let sum = 0;
  for (const [b, count] of total.latency.entries()) {
    sum += count;
    const edge = 2 ** (nativeBuckets.log2Edges[b + 1] ?? 0) / 1_000;
    const isShown = (b + 1) % step === 0 && b + 1 < total.latency.length;
    if (isShown) samples.push({ labels: { ...labels, le: edge.toPrecision(6) }, value: sum, suffix: "_bucket" });
  }
  return [
    ...samples,
    { labels: { ...labels, le: "+Inf" }, value: sum, suffix: "_bucket" },
    { labels, value: Number((total.latencySumMs / 1_000).toFixed(6)), suffix: "_sum" },
    { labels, value: sum, suffix: "_count" },
  ];
}
