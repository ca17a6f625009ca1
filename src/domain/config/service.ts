// One service of the workspace: how it is built, started, probed, sized and found.
import { z } from "zod";
import { Traffic } from "./traffic.ts";
import { Cpu, Duration, Env, InnerPath, key, Memory, Name, Percentage, Port, UrlPath } from "./values.ts";

const Build = z.union([
  z.strictObject({
    bundle: key(InnerPath, "Entry file. Sluice bundles it with esbuild, with all it depends on.", "src/main.ts"),
    before: key(
      z.exactOptional(z.string().min(1)),
      "Command that must have run before it, in the service's folder.",
      "npm run build",
    ),
    entries: key(
      z.record(Name, InnerPath).prefault({}),
      "More entry files, bundled beside main.js under their name: what jobs run.",
      { smoke: "test/smoke.ts" },
    ),
    include: key(z.array(InnerPath).prefault([]), "Files and folders that it reads at run time.", ["migrations"]),
    external: key(
      z.array(z.string()).prefault([]),
      "Packages to leave out of the bundle (native add-ons); they must be where it runs.",
      ["sharp"],
    ),
  }),
  z.strictObject({
    command: key(z.string().min(1), "Command that builds it, run in the service's folder.", "npm run build"),
    output: key(InnerPath, "Folder that the command fills, below the service's.", "dist"),
  }),
  z.strictObject({
    image: key(
      z.string().regex(/^[^\s/]+\/[^\s]+$/, "the registry and the name of an image"),
      "Image of a registry. A tag is pinned to its digest when a release is built; the machine fetches it. Runs as a container.",
      "ghcr.io/shop/api:1.4",
    ),
  }),
  z.strictObject({
    command: key(z.string().min(1), "Command that builds an image, run in the service's folder.", "./image.sh"),
    layout: key(
      InnerPath,
      "OCI layout that the command writes, a folder or a tar, as of `docker buildx build --output type=oci,dest=image.tar`. Runs as a container.",
      "image.tar",
    ),
  }),
]);

const question = {
  path: key(
    z.exactOptional(UrlPath),
    'Asked over HTTP: 2xx and 3xx mean yes; "/health" for http services that name nothing else.',
    "/health",
  ),
  tcp: key(z.exactOptional(z.boolean()), "Only whether its port accepts a connection.", true),
  command: key(
    z.exactOptional(z.string().min(1)),
    "Run in its folder, with its environment: 0 means yes.",
    "node health.js",
  ),
};
const interval = key(Duration.prefault("2s"), "Between two probes.", "5s");
const timeout = key(Duration.prefault("2s"), "A probe without an answer by then has failed.", "1s");
const unhealthyThreshold = z.int().min(1).max(100).prefault(3);

const Startup = z.strictObject({ ...question, interval, timeout });
const Liveness = z.strictObject({
  ...question,
  interval,
  timeout,
  unhealthyThreshold: key(unhealthyThreshold, "Failures in a row until it is restarted.", 10),
});

/** Itself the readiness probe; the other two beside it. */
const Health = z.strictObject({
  ...question,
  interval,
  timeout,
  healthyThreshold: key(z.int().min(1).max(10).prefault(2), "Successes in a row until ready.", 3),
  unhealthyThreshold: key(unhealthyThreshold, "Failures in a row until not ready: it gets no traffic, and lives.", 2),
  startWithin: key(Duration.prefault("60s"), "A replica that is not ready by then is broken.", "2m"),
  startup: key(
    z.exactOptional(Startup),
    "Asked first: until its first yes the other probes wait. For programs that take long to start.",
    { path: "/started" },
  ),
  liveness: key(
    z.exactOptional(Liveness),
    "Whether it is past help: after so many failures in a row it is restarted. Keep databases and other services out of it.",
    { path: "/live", interval: "10s" },
  ),
});

const Autoscaling = z.strictObject({
  min: key(z.int().min(1).max(1000), "Fewest replicas.", 2),
  max: key(z.int().min(1).max(1000), "Most replicas.", 10),
  target: key(Percentage.prefault(70), "Share of the CPU in use that is aimed at.", "60%"),
});

const Ingress = z.strictObject({
  path: key(UrlPath.prefault("/"), "Path prefix on the environment's public port.", "/api"),
  host: key(
    z.exactOptional(z.string().min(1)),
    "Host name; a name without a dot is put before the environment's domain.",
    "api",
  ),
  stripPath: key(z.boolean().prefault(false), "Takes the prefix off before the service sees the request.", true),
  previewHost: key(
    z.exactOptional(z.string().min(1)),
    "Host name that only a candidate answers (canary, blueGreen): 503 while there is none.",
    "next",
  ),
});

const user = key(
  z.exactOptional(
    z.union([z.int().min(0), z.string().regex(/^([a-z_][a-z0-9_-]*|\d+(:\d+)?)$/i, "a user's name, uid, or uid:gid")]),
  ),
  "System user that its replicas run as, by name, uid or uid:gid, on machines whose host may switch users: one that is root, or that `sluice host install` set up.",
  "shop",
);
const replicas = z.int().min(0).max(1000);
const cpuMax = key(
  z.exactOptional(Cpu),
  "Most CPU that one replica may use, even where the machine is idle. None unless set: a cap makes new replicas start slowly and look worse than those they are compared with.",
  "2 vCPU",
);

/** What an environment may size differently. */
export const Override = z.strictObject({
  replicas: key(z.exactOptional(replicas), "Copies that run.", 3),
  cpu: key(z.exactOptional(Cpu), "CPU of one replica.", "1 vCPU"),
  cpuMax,
  memory: key(z.exactOptional(Memory), "Memory of one replica.", "1GB"),
  user,
  autoscaling: key(z.exactOptional(Autoscaling), "Bounds and aim of autoscaling.", { min: 2, max: 10, target: "60%" }),
  env: key(z.exactOptional(Env), "Values beside the service's own, which they replace by name.", { LOG_LEVEL: "warn" }),
  ingress: key(z.exactOptional(Ingress), "Where the outside finds it here.", { host: "api" }),
  traffic: key(z.exactOptional(Traffic), "What differs here, key by key.", { rateLimit: { perSecond: 5, burst: 10 } }),
});

export const Service = z.strictObject({
  kind: key(
    z.enum(["http", "worker", "static"]),
    "http answers requests, worker only works, static is a folder of files.",
    "http",
  ),
  path: key(InnerPath, "Folder of the service's package.", "apps/api"),
  build: key(Build, "How its artifact is made, once for all environments.", { bundle: "src/main.ts" }),
  start: key(
    z.exactOptional(z.string().regex(/^[^;&|<>$`]+$/, "it is run without a shell, so it cannot hold ; & | < > $ or `")),
    'Command that starts it in its artifact; "node main.js" for a bundle, what an image says for an image. It must listen on the port that PORT names.',
    "node main.js",
  ),
  port: key(
    Port.prefault(8080),
    "Port it listens on where it has a network of its own (Kubernetes, ECS). PORT tells it; on one machine Sluice picks a free one.",
    3000,
  ),
  health: key(
    Health.prefault({}),
    "How Sluice knows that a replica can serve (readiness), has started (startup) and is past help (liveness).",
    { path: "/health", interval: "5s" },
  ),
  replicas: key(replicas.prefault(1), "Copies that run; environments may override.", 2),
  cpu: key(
    Cpu.prefault("250m"),
    "CPU of one replica: millicores, cores or vCPU. On one machine its share when that is busy.",
    "0.5 vCPU",
  ),
  cpuMax,
  memory: key(Memory.prefault("256Mi"), "Memory of one replica.", "512Mi"),
  user,
  autoscaling: key(z.exactOptional(Autoscaling), "Bounds and aim of autoscaling, for targets that scale.", {
    min: 2,
    max: 10,
  }),
  env: key(
    Env.prefault({}),
    "Environment values: text, another service's URL, or a secret by name. A static site gets them as /env.json.",
    { LOG_LEVEL: "info", USERS_URL: { from: "user-service" }, SESSION_KEY: { secret: "SESSION_KEY" } },
  ),
  dependsOn: key(z.array(Name).prefault([]), "Services that must have moved before this one.", ["user-service"]),
  ingress: key(z.exactOptional(Ingress), "Where the outside finds it; without, only other services do.", {
    path: "/api",
    stripPath: true,
  }),
  openapi: key(
    z.exactOptional(InnerPath),
    "Its OpenAPI document, JSON or YAML, below the service's folder: names the routes that latencies are compared by.",
    "openapi.json",
  ),
  traffic: key(z.exactOptional(Traffic), "How the router treats its requests.", {
    sticky: {},
    slowStart: "30s",
    maxBody: "10MB",
  }),
  drainTimeout: key(Duration.prefault("30s"), "Longest wait for requests in flight before a replica is stopped.", "1m"),
  grace: key(Duration.prefault("10s"), "From SIGTERM to SIGKILL.", "30s"),
});
