// An environment: where it runs, what it sizes differently, how releases come in and on to the next.
import { z } from "zod";
import { ChecksOverride } from "./checks.ts";
import { Metrics } from "./metrics.ts";
import { Drill, Rollback, Watch } from "./rollback.ts";
import { Override } from "./service.ts";
import { Approve, Strategy } from "./strategy.ts";
import { Entry } from "./traffic.ts";
import { Duration, Env, InnerPath, key, Name, Port } from "./values.ts";

const text = z.string().min(1);

const Target = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("processes").meta({ description: "Processes of this machine, under `sluice host`." }),
  }),
  z.strictObject({
    kind: z.literal("kubernetes").meta({ description: "Not in this version." }),
    context: key(z.exactOptional(text), "Context of the kubeconfig.", "prod-eu"),
    namespace: key(z.exactOptional(text), "Namespace.", "shop"),
  }),
  z.strictObject({
    kind: z.literal("ecs").meta({ description: "Not in this version." }),
    cluster: key(z.exactOptional(text), "Cluster.", "shop"),
  }),
  z.strictObject({ kind: z.literal("lambda").meta({ description: "Not in this version." }) }),
  z.strictObject({
    kind: z.literal("static").meta({ description: "Not in this version." }),
    bucket: key(z.exactOptional(text), "Bucket of the files.", "shop-web"),
    distribution: key(z.exactOptional(text), "CDN in front of it.", "E2QWRUHAPOMQZL"),
  }),
  z.strictObject({
    kind: z.literal("expo").meta({ description: "Not in this version." }),
    channel: key(z.exactOptional(text), "Update channel.", "production"),
  }),
]);

const Tier = z.enum(["small", "medium", "large"]);
const url = key(
  z.exactOptional(z.strictObject({ secret: key(text, "Name of the secret that holds the URL.", "DATABASE_URL") })),
  "One that exists already, by a secret with its URL.",
  { secret: "DATABASE_URL" },
);

const Backing = z.strictObject({
  postgres: key(
    z.exactOptional(
      z.strictObject({
        tier: key(Tier.prefault("small"), "Size.", "medium"),
        multiAz: key(z.boolean().prefault(false), "A standby in a second zone.", true),
        version: key(z.string().prefault("18"), "Major version.", "17"),
        url,
      }),
    ),
    'PostgreSQL; services reach it by { from: "postgres" }.',
    { tier: "medium", multiAz: true },
  ),
  redis: key(
    z.exactOptional(
      z.strictObject({
        tier: key(Tier.prefault("small"), "Size.", "small"),
        multiAz: key(z.boolean().prefault(false), "A standby in a second zone.", true),
        version: key(z.string().prefault("7"), "Major version.", "7"),
        url,
      }),
    ),
    'Redis; services reach it by { from: "redis" }.',
    { tier: "small" },
  ),
});

const Jobs = z.strictObject({
  preview: key(z.array(z.string()).prefault([]), "Against the new side before it gets traffic.", ["smoke"]),
  after: key(z.array(z.string()).prefault([]), "When all services have moved, before the final bake.", ["e2e"]),
  gate: key(z.array(z.string()).prefault([]), "Before a release may go on to the next environment.", ["load"]),
});

const Hold = z.strictObject({
  within: key(Duration.prefault("1h"), "How long it waits.", "4h"),
  onDeadline: key(
    z.enum(["rollback", "stay"]).prefault("rollback"),
    "Then it goes back, or stays as it is until a person answers; it never goes forward by itself.",
    "stay",
  ),
});

export const Environment = z.strictObject({
  target: key(Target.prefault({ kind: "processes" }), "Where it runs.", { kind: "processes" }),
  after: key(
    z.exactOptional(Name),
    "Environment that a release must have succeeded in before it may come here; without, releases are built for it.",
    "staging",
  ),
  region: key(z.exactOptional(text), "Region of the cloud.", "eu-central-1"),
  domain: key(z.exactOptional(text), "Public domain.", "expenses.example.com"),
  port: key(Port.prefault(0), "Public port on this machine; 0 is any free one, which it then keeps.", 8080),
  entry: key(Entry.prefault({}), "How connections to that port are treated.", {
    trustedProxies: ["10.0.0.0/8"],
    accessLog: "10%",
  }),
  services: key(z.record(Name, Override).prefault({}), "What services have here that differs from `services`.", {
    api: { replicas: 3, memory: "1GB" },
  }),
  env: key(Env.prefault({}), "Values for every service here; a service's own override is stronger.", {
    LOG_LEVEL: "debug",
  }),
  backing: key(Backing.prefault({}), "Databases and caches that the services here use.", {
    postgres: { tier: "small" },
  }),
  strategy: key(
    z.union([z.string(), Strategy]).prefault("rolling"),
    "How services move: a name of `strategies`, one of recreate, rolling, blueGreen, canary with its defaults, or one written here.",
    "canary",
  ),
  metrics: key(Metrics.prefault({}), "Where the numbers come from that a release is judged by.", {
    source: "prometheus",
    prometheus: { url: "http://127.0.0.1:9090" },
  }),
  checks: key(ChecksOverride.prefault({}), "What differs from `checks` here.", { errorRateMax: "1%" }),
  jobs: key(Jobs.prefault({}), "Jobs run on the way.", { after: ["smoke"] }),
  bake: key(Duration.prefault("1m"), "How long the whole deployment is watched before its old side goes.", "30m"),
  queue: key(
    z.enum(["wait", "latestWins", "cancelInProgress"]).prefault("latestWins"),
    "A deployment that finds another: waits its turn, replaces those that wait, or also takes back the one in progress.",
    "wait",
  ),
  autoRollback: key(
    z.boolean().prefault(true),
    "Takes a failing release back by itself; false holds and tells a person.",
    false,
  ),
  hold: key(
    Hold.prefault({}),
    "What becomes of a rollout that is on hold, for want of evidence or of an answer: it ends by evidence, by a person, or so.",
    { within: "4h", onDeadline: "stay" },
  ),
  watch: key(
    z.exactOptional(Watch),
    "Goes on watching after a deployment has ended: conditions that take it back, or ask first.",
    {
      for: "2h",
      conditions: [
        { errorRateMax: "5%", for: "2m" },
        { part: "database", for: "30s" },
      ],
    },
  ),
  rollback: key(Rollback.prefault({}), "How a return to an earlier release is verified, and to which one may return.", {
    within: "5m",
    oldest: "v1.4.0",
  }),
  drill: key(z.exactOptional(Drill), "Rehearses the rollback on a schedule, as `sluice drill` does at once.", {
    every: "7d",
    at: "04:00",
  }),
  approvals: key(z.exactOptional(Approve), "People who must say yes before a release comes in.", { quorum: 1 }),
  secrets: key(
    z
      .strictObject({
        envFile: key(
          z.exactOptional(InnerPath),
          "File of NAME=value lines below the root; keep it out of Git.",
          ".env.prod",
        ),
      })
      .prefault({}),
    "Where secrets come from.",
    { envFile: ".env.production" },
  ),
});
