// What a bake holds the candidate against, and the jobs that strategies run.
import { z } from "zod";
import { isCron, isZone } from "./schedule.ts";
import { Duration, HttpMethod, key, Name, Percentage } from "./values.ts";

/** A number of a metric source against a limit. */
const Metric = z.strictObject({
  source: key(z.string().min(1).prefault("host"), 'Who is asked: "host", or a metric source.', "prometheus"),
  query: key(
    z.string().min(1),
    "What is asked. The host knows cpu (percent of one core, busiest replica), memory (MiB, largest replica), memoryShare (percent of what a replica may use) and restarts; another source what it understands, with $service, $environment and $revision filled in.",
    "cpu",
  ),
  comparator: key(z.enum([">", ">=", "<", "<="]).prefault(">"), "What is bad: on which side of the limit.", "<"),
  limit: key(z.number(), "The limit.", 80),
  for: key(Duration.prefault("1m"), "It is bad when it stood beyond the limit for so long without a break.", "2m"),
});

const Latency = z.strictObject({
  p50: key(z.exactOptional(Duration), "Limit of the median.", "200ms"),
  p95: key(z.exactOptional(Duration), "Limit of the 95th percentile.", "800ms"),
  p99: key(z.exactOptional(Duration), "Limit of the 99th percentile.", "3s"),
});

const Probe = z.strictObject({
  method: key(HttpMethod.prefault("GET"), "Method of the request.", "POST"),
  url: key(
    z
      .string()
      .regex(/^(\/|https?:\/\/)/, 'a probe\'s url starts with "/" (the environment\'s public address) or "https://"'),
    "A path on the environment's public address, or a whole URL.",
    "/api/products",
  ),
  status: key(z.int().min(100).max(599).prefault(200), "Status that it must answer.", 204),
  bodyIncludes: key(z.exactOptional(z.string()), "Text that the answer must hold.", '"ok":true'),
  within: key(Duration.prefault("5s"), "By when it must have answered.", "500ms"),
  failuresMax: key(
    z.int().min(0).max(1000).prefault(1),
    "Failures in a row that are borne: one more, and the release goes back.",
    3,
  ),
});

const rateMax = key(
  Percentage.prefault(5),
  "Largest share of the candidate's requests that may fail, in percent.",
  "2%",
);
const latency = key(Latency.prefault({ p99: "3s" }), "Limits of the candidate's latency.", { p95: "800ms", p99: "2s" });
const minimumRequests = key(
  z.int().min(1).prefault(100),
  "Requests that the candidate must have answered before a verdict.",
  50,
);
const comparison = z.strictObject({
  alpha: key(
    Percentage.prefault(1),
    "Chance, in percent, that a release no worse than the present one is ever rolled back by the comparison.",
    "0.5%",
  ),
  requireProof: key(
    z.boolean().prefault(false),
    "A bake passes only when health was shown, not already when no harm was seen.",
    true,
  ),
});
const comparedWith = key(
  z.union([comparison, z.literal(false)]).prefault({}),
  "The new version against the present one in the same intervals, by statistics that may be looked at at any time; false leaves it out.",
  { alpha: "0.5%" },
);
const probes = key(
  z.record(z.string(), Probe).prefault({}),
  "Requests that Sluice makes itself; two failures in a row fail the check.",
  { products: { url: "/api/products", within: "500ms" } },
);

const memoryMax = z.union([Percentage, z.literal(false)]);
const restartsMax = z.union([z.int().min(0), z.literal(false)]);
const metrics = key(
  z.record(z.string(), Metric).prefault({}),
  "Numbers of metric sources that fail a bake when they stand beyond a limit, and stable's do not.",
  { cpu: { query: "cpu", limit: 80, for: "2m" } },
);

export const Checks = z.strictObject({
  errorRateMax: rateMax,
  latency,
  comparison: comparedWith,
  minimumRequests,
  memoryMax: key(
    memoryMax.prefault(95),
    "Percent of its memory that a new replica may use for half a minute; false does not look.",
    90,
  ),
  restartsMax: key(
    restartsMax.prefault(3),
    "Restarts that all new replicas may have together; false does not look.",
    0,
  ),
  metrics,
  probes,
});

/** What an environment holds differently: each key replaces the workspace's; probes and metrics are added by name. */
export const ChecksOverride = z.strictObject({
  errorRateMax: key(z.exactOptional(Percentage), "Largest share of requests that may fail, here.", "1%"),
  latency: key(z.exactOptional(Latency), "Limits of latency, here.", { p99: "1s" }),
  comparison: key(
    z.exactOptional(z.union([comparison, z.literal(false)])),
    "How it is compared with the present version, here.",
    { requireProof: true },
  ),
  minimumRequests: key(z.exactOptional(z.int().min(1)), "Requests before a verdict, here.", 20),
  memoryMax: key(z.exactOptional(memoryMax), "Percent of its memory that a new replica may use, here.", false),
  restartsMax: key(z.exactOptional(restartsMax), "Restarts that new replicas may have, here.", 1),
  metrics: key(z.exactOptional(z.record(z.string(), Metric)), "More numbers, here.", {
    queue: { source: "prometheus", query: "sum(jobs_waiting)", limit: 1000 },
  }),
  probes: key(z.exactOptional(z.record(z.string(), Probe)), "More probes, here.", { health: { url: "/health" } }),
});

export const Job = z.strictObject({
  service: key(z.string(), "Service whose artifact it runs in, with that service's environment values.", "api"),
  command: key(z.string().min(1), "What runs; exit status 0 is success.", "node smoke.js"),
  within: key(Duration.prefault("5m"), "A job that takes longer has failed.", "10m"),
  schedule: key(
    z.exactOptional(z.string().refine(isCron, "a schedule is five fields: minute, hour, day, month, day of the week")),
    "When it runs by itself, from what stands: five cron fields. Every job can also be run by hand: `sluice job run`.",
    "0 3 * * *",
  ),
  zone: key(
    z.exactOptional(z.string().refine(isZone, 'a zone has a name such as "Europe/Berlin"')),
    "Time zone of its schedule; UTC unless given.",
    "Europe/Berlin",
  ),
  overlap: key(
    z.exactOptional(z.enum(["skip", "allow"])),
    "When its time comes while a run is under way: skip it (unless given), or run both.",
    "allow",
  ),
  environments: key(
    z.exactOptional(z.array(Name).min(1)),
    "Where its schedule counts; in every environment unless given.",
    ["production"],
  ),
});
