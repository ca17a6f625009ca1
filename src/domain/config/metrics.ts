// Where an environment's numbers come from: what the judge compares by, and whom checks may ask.
import { z } from "zod";
import { Duration, EnvName, key } from "./values.ts";

/** Whose counters Sluice knows how to ask a Prometheus for. */
const gateways = [
  "sluice",
  "istio",
  "envoy",
  "nginx",
  "traefik",
  "linkerd",
  "cilium",
  "opentelemetry",
  "prom-client",
] as const;
export type Gateway = (typeof gateways)[number];

const text = z.string().min(1);
const Url = z.string().regex(/^https?:\/\/[^\s/]+/, 'a URL, "http://prometheus:9090"');

const secret = (what: string, example: string) =>
  key(z.exactOptional(z.strictObject({ secret: key(EnvName, "Name of the secret.", example) })), what, {
    secret: example,
  });

const Queries = z.strictObject({
  requests: key(text, "Selects counters of requests.", 'http_requests_total{app="$service",version="$revision"}'),
  errors: key(
    text,
    "Selects those of them that are errors.",
    'http_requests_total{app="$service",version="$revision",code=~"5.."}',
  ),
  latency: key(
    z.exactOptional(text),
    "Selects a histogram of successes: its _bucket series, or a native histogram. Without one, latency is not compared.",
    'http_request_duration_seconds_bucket{app="$service",version="$revision",code!~"5.."}',
  ),
  scraped: key(
    z.exactOptional(text),
    "Selects anything that is there from a target's first scrape on, so that its first request counts.",
    'up{app="$service"}',
  ),
  unit: key(z.enum(["s", "ms"]).prefault("s"), "In which the histogram counts.", "ms"),
  route: key(z.array(text).prefault([]), "Labels that make a route's name.", ["method", "route"]),
  countedBy: key(
    z.enum(["gateway", "replica"]).prefault("replica"),
    "Who counts: a gateway both versions at once, or each replica for itself.",
    "gateway",
  ),
});

const Prometheus = z.strictObject({
  url: key(
    z.union([Url, z.array(Url).min(1).max(4)]),
    "Its address, below which /api/v1/query is; several are replicas that scrape the same.",
    ["http://prometheus-a:9090", "http://prometheus-b:9090"],
  ),
  gateway: key(z.enum(gateways).prefault("sluice"), "Whose counters it scrapes: which queries are asked.", "istio"),
  queries: key(
    z.exactOptional(Queries),
    "Queries of your own instead: selectors of counters, in which $environment, $service and $revision are filled in.",
    {
      requests: 'http_requests_total{version="$revision"}',
      errors: 'http_requests_total{version="$revision",code=~"5.."}',
    },
  ),
  interval: key(
    Duration.refine((ms) => ms >= 5_000 && ms <= 60_000, "an interval is from 5s to 60s").prefault("15s"),
    "Length of the intervals that are compared: not shorter than its scrape interval; from 5s to 60s.",
    "30s",
  ),
  token: secret("Bearer token.", "PROMETHEUS_TOKEN"),
  ca: secret("Certificate authority of its address, PEM.", "PROMETHEUS_CA"),
  certificate: secret("Certificate to show it, PEM.", "PROMETHEUS_CERT"),
  key: secret("Key of that certificate, PEM.", "PROMETHEUS_KEY"),
});

const Otlp = z.strictObject({
  interval: key(
    Duration.refine((ms) => ms >= 5_000 && ms <= 60_000, "an interval is from 5s to 60s").prefault("15s"),
    "Length of the intervals that are compared: not shorter than the services' export interval; from 5s to 60s.",
    "10s",
  ),
});

export const Metrics = z.strictObject({
  source: key(
    z.enum(["host", "prometheus", "otlp"]).prefault("host"),
    "What the judge compares by: the host's own counters, a Prometheus, or metrics that services push by OpenTelemetry.",
    "prometheus",
  ),
  prometheus: key(
    z.exactOptional(Prometheus),
    'A Prometheus: for the judge, and for checks with source: "prometheus".',
    { url: "http://127.0.0.1:9090", gateway: "istio" },
  ),
  otlp: key(Otlp.prefault({}), "Metrics that services push to this control plane, OTLP over HTTP.", {
    interval: "10s",
  }),
});
