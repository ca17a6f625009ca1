// The HTTP API as data: every route with its schemas. Requests are parsed by it, the OpenAPI document is printed from it,
// and clients take their types from it. All paths are below /api/v1.
import { z } from "zod";
import type { Build, Repository } from "../domain/build.ts";
import type { Event, ReleaseRef, Releases } from "../domain/event.ts";
import type { EnvironmentHealth } from "../domain/health.ts";
import type { Recording } from "../domain/judge/replay.ts";
import type { Plan, ServiceName, Standing } from "../domain/plan.ts";
import type { Release, SecretVersions } from "../domain/release.ts";
import type { ReleaseDiff } from "../domain/release-diff.ts";
import type { Run } from "../domain/run.ts";
import type { SeenJobRun, SeenScheduledJob } from "../domain/scheduled-job.ts";
import type { Why } from "../domain/why.ts";
import type { ServiceEvidence } from "../engine/evidence.ts";
import type { Planned } from "./orders.ts";
import type { Counted, Maintenance, Traffic } from "./records.ts";
import type { OfferedReturn } from "./returns.ts";

const name = z.string().min(1).max(63);
const reason = z.string().min(1).max(500).optional().describe("Why; it is kept in the history");
const id = z.string().min(1).max(100);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.coerce.number().int().min(0);
const flag = z.enum(["true", "false"]).transform((text) => text === "true");

/** Large repositories have thousands of projects. */
const projects = z.object({
  projects: z
    .array(
      z.object({
        name: z.string().max(300),
        dir: z.string().max(1000),
        tags: z.array(z.string().max(200)).optional(),
        needs: z.array(z.object({ project: whole, by: z.enum(["declared", "imported", "configured"]) })),
      }),
    )
    .max(20_000),
  findings: z.array(z.string().max(5000)),
});

/** A frozen release as `sluice` builds it; its id and config are checked again before anything is deployed. */
const release = z
  .looseObject({
    id: z.string().regex(/^r-[0-9a-f]{12}$/),
    version: z.string().min(1).max(100),
    commit: z.string().max(100).optional(),
    services: z.record(name, z.looseObject({ artifact: sha256 })),
    config: z.record(z.string(), z.unknown()),
    configHash: sha256,
    projects: projects.optional(),
  })
  .describe("A release: artifacts and configuration under one content hash");

const manifest = z.object({
  artifact: sha256,
  service: name,
  commit: z.string().max(100).optional(),
  inputs: z.string().max(100),
  config: z.string().max(100),
  files: whole,
  bytes: whole,
});

const days = z.int().min(1).max(3650).default(90).describe("How long it is good for");
/** Neither begins with a dash: they become arguments of git and of `sluice run`. */
const label = z.string().regex(/^[A-Za-z0-9][\w:.-]{0,60}$/);
const branch = z.string().regex(/^[A-Za-z0-9*][\w./*-]{0,200}$/);
const repositoryPath = z.object({ repository: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/) });
const buildPath = z.object({ id: z.string().regex(/^b-[0-9a-f]+$/) });
const uploadPath = z.object({ sha256, packed: sha256 });
const deploymentPath = z.object({ id });
const environmentPath = z.object({ environment: name });
const services = z.array(name).min(1).optional().describe("Only these; default all");
const verbBody = z.object({ reason });
const byVersion = z.string().min(1).max(100).describe("A release's id, or its version");
const byNameOrPlace = byVersion.describe("A release's id or version, or the environment that it stands in");

export interface Route {
  readonly method: "get" | "head" | "post" | "put";
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What a successful answer is; its shape for clients is in `Answers`. */
  readonly answers: "json" | "events" | "lines" | "text" | "nothing";
  /** Where else it is found: a path that other programs expect. */
  readonly alias?: string;
  /** Answers without a token. */
  readonly isOpen?: true;
  /** Takes a body that is not JSON. */
  readonly takes?: "application/octet-stream" | "application/x-protobuf";
  /** Also with the token that may do nothing else. */
  readonly forMetrics?: true;
}

export const routes = {
  health: {
    method: "get",
    path: "/health",
    summary: "Whether the control plane can work",
    answers: "json",
    isOpen: true,
  },
  metrics: {
    method: "get",
    path: "/metrics",
    alias: "/metrics",
    summary: "What this machine's router and replicas count, for a Prometheus to scrape",
    forMetrics: true,
    answers: "text",
  },
  pushMetrics: {
    method: "post",
    path: "/metrics",
    alias: "/v1/metrics",
    summary: "Metrics that a service pushes by OpenTelemetry: OTLP over HTTP, protobuf or JSON, plain or gzip",
    takes: "application/x-protobuf",
    forMetrics: true,
    answers: "json",
  },
  openapi: { method: "get", path: "/openapi.json", summary: "This document", answers: "json" },
  session: { method: "get", path: "/session", summary: "Who the caller is", answers: "json" },
  loginCode: {
    method: "post",
    path: "/login-codes",
    summary: "A one-time code with which a browser signs in within minutes",
    answers: "json",
  },
  metricsToken: {
    method: "get",
    path: "/metrics-token",
    summary: "A token that pushes metrics and scrapes these, and does nothing else",
    answers: "json",
  },
  cacheToken: {
    method: "post",
    path: "/cache-tokens",
    summary: "A token for the shared cache at /v8/artifacts, and for nothing else",
    body: z.object({
      untrusted: z
        .string()
        .regex(/^[\w.-]{1,60}$/)
        .refine((text) => !/^\.+$/.test(text))
        .optional()
        .describe("A name of the build: it reads what trusted builds wrote, and writes for itself alone"),
      days,
    }),
    answers: "json",
  },
  runnerToken: {
    method: "post",
    path: "/runner-tokens",
    summary: "A token with which a runner takes builds, and nothing else",
    body: z.object({ name, labels: z.array(label).max(20).default([]), days }),
    answers: "json",
  },
  listRepositories: {
    method: "get",
    path: "/repositories",
    summary: "Repositories that runners build",
    answers: "json",
  },
  putRepository: {
    method: "put",
    path: "/repositories/:repository",
    summary: "Have a repository built on pushes, by a schedule, or when asked",
    params: repositoryPath,
    body: z.object({
      url: z
        .string()
        .min(1)
        .max(500)
        .refine((url) => !/^[a-z+]+:\/\/[^/]*:[^/]*@/i.test(url) && !url.startsWith("-"), {
          message: "no password in the address: make it the secret GIT_TOKEN",
        }),
      tasks: z.array(label).min(1),
      affected: z.boolean().default(true),
      branches: z.array(branch).min(1).default(["main"]),
      trusted: z.array(branch).default(["main"]),
      labels: z.array(label).max(20).default([]),
      schedule: z.string().max(100).optional().describe("Cron expression, UTC"),
    }),
    answers: "json",
  },
  putRepositorySecrets: {
    method: "put",
    path: "/repositories/:repository/secrets",
    summary: "What builds of trusted branches find in their environment; GIT_TOKEN is for the fetch alone",
    params: repositoryPath,
    body: z.object({ values: z.record(name, z.string().max(65_536)) }),
    answers: "json",
  },
  listBuilds: {
    method: "get",
    path: "/builds",
    summary: "Builds by runners, newest first",
    query: z.object({ limit: whole.max(200).default(20) }),
    answers: "json",
  },
  build: {
    method: "post",
    path: "/builds",
    summary: "Have a runner build a repository now",
    body: z.object({
      repository: name,
      ref: z
        .string()
        .regex(/^refs\/[\w./-]{1,200}$/)
        .optional(),
      tasks: z.array(label).min(1).optional(),
    }),
    answers: "json",
  },
  getBuild: { method: "get", path: "/builds/:id", summary: "A build", params: buildPath, answers: "json" },
  buildLog: {
    method: "get",
    path: "/builds/:id/log",
    summary: "What it has printed; X-Build-State says whether there is more to come",
    params: buildPath,
    query: z.object({ from: whole.default(0).describe("Byte to begin at") }),
    answers: "text",
  },
  cancelBuild: {
    method: "post",
    path: "/builds/:id/cancel",
    summary: "Stop a build",
    params: buildPath,
    answers: "json",
  },
  status: {
    method: "get",
    path: "/status",
    summary: "Every environment: what stands, what is under way",
    query: z.object({ environment: name.optional() }),
    answers: "json",
  },
  listDeployments: {
    method: "get",
    path: "/deployments",
    summary: "Deployments, newest first: the history",
    query: z.object({
      environment: name.optional(),
      open: flag.optional().describe("Only those that have not ended"),
      limit: whole.max(200).default(20),
    }),
    answers: "json",
  },
  deploy: {
    method: "post",
    path: "/deployments",
    summary: "Ask a release into an environment; with an Idempotency-Key, once",
    body: z.object({ environment: name, release: byVersion, reason }),
    answers: "json",
  },
  getDeployment: {
    method: "get",
    path: "/deployments/:id",
    summary: "One deployment",
    params: deploymentPath,
    answers: "json",
  },
  listEvents: {
    method: "get",
    path: "/deployments/:id/events",
    summary: "The facts of one deployment; live with Accept: text/event-stream",
    params: deploymentPath,
    query: z.object({
      from: whole.optional().describe("First position, or (live) the sequence number to go on after"),
    }),
    answers: "json",
  },
  chain: {
    method: "get",
    path: "/deployments/:id/chain",
    summary: "Whether the facts of a deployment are as they were written: every hash is computed again",
    params: deploymentPath,
    answers: "json",
  },
  evidence: {
    method: "get",
    path: "/deployments/:id/evidence",
    summary: "What its bakes were judged on: the evidence over time, both sides route by route, the table behind it",
    params: deploymentPath,
    answers: "json",
  },
  why: {
    method: "get",
    path: "/deployments/:id/why",
    summary:
      "Every decision with the numbers that decided it, made again from what was recorded; says where that differs",
    params: deploymentPath,
    answers: "json",
  },
  promote: {
    method: "post",
    path: "/deployments/:id/promote",
    summary: "End the present wait with a yes",
    params: deploymentPath,
    body: z.object({ reason, full: z.boolean().default(false).describe("Skip the waits that are to come, too") }),
    answers: "json",
  },
  pause: verb("pause", "Stop before the next step"),
  resume: verb("resume", "Go on after a pause"),
  abort: verb("abort", "Take it back to where it began"),
  retry: verb(
    "retry",
    "Try again what failed: the step it holds at, or, when it has ended, from there as a new deployment",
  ),
  approve: verb("approve", "Say yes to the approval that is waited for"),
  refuse: verb("refuse", "Say no to it: the deployment goes back"),
  rollbackDeployment: verb("rollback", "Start a deployment that returns to what stood before this one"),
  rollback: {
    method: "post",
    path: "/environments/:environment/rollback",
    summary: "Return to the last release that stood its bake, or to a named one; what is under way goes back first",
    params: environmentPath,
    body: z.object({
      to: byVersion.optional(),
      services,
      all: z
        .boolean()
        .default(false)
        .describe("Emergency: each service goes by itself, those that cannot are reported"),
      reason,
    }),
    answers: "json",
  },
  returns: {
    method: "get",
    path: "/environments/:environment/returns",
    summary: "To which releases one may return, newest first, and to which by default",
    params: environmentPath,
    query: z.object({ services: z.string().optional().describe("Only these, separated by commas") }),
    answers: "json",
  },
  restart: {
    method: "post",
    path: "/environments/:environment/restart",
    summary: "Start a deployment of the unchanged release, by its strategy",
    params: environmentPath,
    body: z.object({ services, reason }),
    answers: "json",
  },
  drill: {
    method: "post",
    path: "/environments/:environment/drill",
    summary: "Rehearse: roll back, verify, return, and record how long each took",
    params: environmentPath,
    body: z.object({ to: byVersion.optional(), services, reason }),
    answers: "json",
  },
  retire: {
    method: "post",
    path: "/environments/:environment/retire",
    summary: "Agree that services that are in no configuration any more are drained and go",
    params: environmentPath,
    body: z.object({ services: z.array(name).min(1), reason }),
    answers: "json",
  },
  preview: {
    method: "post",
    path: "/environments/:environment/preview",
    summary: "What a rollback, restart, drill or retirement would do, frame by frame; nothing is changed",
    params: environmentPath,
    body: z.object({
      order: z.enum(["rollback", "restart", "drill", "retire"]),
      to: byVersion.optional(),
      services,
      all: z.boolean().default(false),
    }),
    answers: "json",
  },
  plan: {
    method: "post",
    path: "/plan",
    summary: "What a deployment would do, frame by frame; nothing is changed",
    body: z.object({ environment: name, release: z.union([byVersion, release]) }),
    answers: "json",
  },
  maintenance: {
    method: "put",
    path: "/environments/:environment/services/:service/maintenance",
    summary: "A service answers everybody with its maintenance page, or serves again",
    params: z.object({ environment: name, service: name }),
    body: z.object({ on: z.boolean(), reason }),
    answers: "json",
  },
  counted: {
    method: "get",
    path: "/environments/:environment/services/:service/counted",
    summary: "What was counted of the version that stands: intervals by route and by replica, for A/A and for power",
    params: z.object({ environment: name, service: name }),
    query: z.object({ minutes: z.coerce.number().min(1).max(60).default(10) }),
    answers: "json",
  },
  recordings: {
    method: "get",
    path: "/deployments/:id/recordings",
    summary:
      "All that the judge was told of a deployment's services: to run it again, as it was or with other parameters",
    params: deploymentPath,
    answers: "json",
  },
  putSecrets: {
    method: "put",
    path: "/environments/:environment/secrets",
    summary: "Make these the current values of an environment's secrets; what was deployed keeps its own",
    params: environmentPath,
    body: z.object({ values: z.record(name, z.string().max(65_536)) }),
    answers: "json",
  },
  listReleases: {
    method: "get",
    path: "/releases",
    summary: "Releases, newest first",
    query: z.object({ limit: whole.max(200).default(20) }),
    answers: "json",
  },
  keepRelease: { method: "post", path: "/releases", summary: "Record a release", body: release, answers: "json" },
  getRelease: { method: "get", path: "/releases/:id", summary: "A release", params: z.object({ id }), answers: "json" },
  diff: {
    method: "get",
    path: "/diff",
    summary: "What differs between two releases: code, configuration, migrations, names of values; never values",
    query: z.object({ from: byNameOrPlace, to: byNameOrPlace }),
    answers: "json",
  },
  hasArtifact: {
    method: "head",
    path: "/artifacts/:sha256",
    summary: "200 when the artifact is here, 404 when it is to be sent",
    params: z.object({ sha256 }),
    answers: "nothing",
  },
  uploadState: {
    method: "get",
    path: "/artifacts/:sha256/uploads/:packed",
    summary: "How many bytes of a packed artifact (named by its own hash, too) have arrived",
    params: uploadPath,
    answers: "json",
  },
  uploadBytes: {
    method: "put",
    path: "/artifacts/:sha256/uploads/:packed",
    summary: "Send bytes of a packed artifact; after a break, go on from what has arrived",
    params: uploadPath,
    query: z.object({ from: whole.describe("Where these bytes begin; beyond what has arrived they are not taken") }),
    takes: "application/octet-stream",
    answers: "json",
  },
  finishUpload: {
    method: "post",
    path: "/artifacts/:sha256/uploads/:packed",
    summary: "All bytes are sent: hold them against both hashes and keep the artifact",
    params: uploadPath,
    body: manifest,
    answers: "json",
  },
  listJobs: {
    method: "get",
    path: "/jobs",
    summary: "Jobs of what stands, with their times and latest runs",
    query: z.object({ environment: name.optional() }),
    answers: "json",
  },
  runJob: {
    method: "post",
    path: "/environments/:environment/jobs/:job/runs",
    summary: "Run a job now; with an Idempotency-Key, once",
    params: z.object({ environment: name, job: name }),
    body: z.object({}),
    answers: "json",
  },
  getJobRun: {
    method: "get",
    path: "/job-runs",
    summary: "A run of a job, with the last lines that it printed",
    query: z.object({ key: z.string().min(1).max(300) }),
    answers: "json",
  },
  servicesHealth: {
    method: "get",
    path: "/services/health",
    summary: "How each service is, down to the parts that its replicas' own health answers list",
    query: z.object({ environment: name.optional() }),
    answers: "json",
  },
  logs: {
    method: "get",
    path: "/logs",
    summary: "Lines that replicas printed, one JSON object a line",
    query: z.object({
      environment: name,
      service: name.optional(),
      revision: id.optional(),
      replica: id.optional(),
      since: whole.optional().describe("Milliseconds since 1970; lines without a time belong to the one before"),
      tail: whole.max(10_000).optional().describe("Latest lines of each replica: 100, or 10000 with since"),
      follow: flag.default(false),
    }),
    answers: "lines",
  },
  events: {
    method: "get",
    path: "/events",
    summary: "All facts of all deployments, live; resume with Last-Event-ID or from",
    query: z.object({ from: whole.optional().describe("Sequence number to go on after; 0 is from the beginning") }),
    answers: "events",
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;

/** What each route answers, for whoever writes it and whoever reads it. */
export interface Answers {
  health: { readonly status: "ready" | "unready"; readonly because?: string };
  openapi: object;
  servicesHealth: { readonly environments: readonly EnvironmentHealth[] };
  /** What OTLP asks for: nothing, or what was left out and why. */
  pushMetrics: { readonly partialSuccess?: { readonly rejectedDataPoints: number; readonly errorMessage: string } };
  session: { readonly name: string };
  runnerToken: { readonly token: string; readonly expiresAt: number };
  listRepositories: { readonly repositories: readonly Repository[] };
  /** Where the git server is to send pushes, and the secret to sign them with. */
  putRepository: { readonly hook: string; readonly secret: string };
  putRepositorySecrets: { readonly names: readonly string[] };
  listBuilds: { readonly builds: readonly Build[] };
  build: { readonly build: Build };
  getBuild: { readonly build: Build };
  cancelBuild: { readonly build: Build };
  metricsToken: { readonly token: string };
  cacheToken: { readonly token: string; readonly expiresAt: number };
  loginCode: { readonly code: string; readonly path: string; readonly expiresInMs: number };
  /** `traffic`: while a demonstration sends requests. */
  status: { readonly environments: readonly EnvironmentStatus[]; readonly traffic?: Traffic };
  listDeployments: { readonly deployments: readonly Run[] };
  deploy: { readonly deployment: Run };
  getDeployment: { readonly deployment: Run; readonly waiting: readonly string[] };
  listEvents: { readonly events: readonly Event[] };
  chain: { readonly events: number; readonly isUnbroken: boolean; readonly because?: string };
  evidence: { readonly services: readonly ServiceEvidence[] };
  why: { readonly decisions: readonly Why[] };
  promote: { readonly deployment: Run };
  pause: { readonly deployment: Run };
  resume: { readonly deployment: Run };
  abort: { readonly deployment: Run };
  retry: { readonly deployment: Run };
  approve: { readonly deployment: Run };
  refuse: { readonly deployment: Run };
  rollbackDeployment: { readonly deployment: Run };
  rollback: { readonly deployment: Run };
  returns: { readonly targets: readonly OfferedReturn[] };
  restart: { readonly deployment: Run };
  drill: { readonly deployment: Run };
  retire: { readonly deployment: Run };
  preview: Planned;
  plan: {
    readonly plan: Plan;
    readonly release: ReleaseRef;
    readonly stands: Standing;
    readonly standingRelease?: ReleaseRef;
  };
  maintenance: { readonly environment: string; readonly service: string; readonly on: boolean };
  /** Keyed hashes, never values. */
  counted: Counted & { readonly revision: string };
  recordings: { readonly services: readonly { readonly service: string; readonly recording: Recording }[] };
  putSecrets: { readonly versions: SecretVersions };
  listReleases: { readonly releases: readonly (ReleaseRef & { readonly at: number })[] };
  keepRelease: {
    readonly isNew: boolean /** Artifacts to be sent before it can be deployed. */;
    readonly lacking: readonly string[];
  };
  getRelease: { readonly release: Release; readonly at: number };
  listJobs: { readonly jobs: readonly SeenScheduledJob[] };
  runJob: { readonly run: SeenJobRun };
  getJobRun: { readonly run: SeenJobRun; readonly lines: readonly string[] };
  uploadState: { readonly arrived: number };
  uploadBytes: { readonly arrived: number };
  finishUpload: { readonly artifact: string };
  diff: { readonly diff: ReleaseDiff };
}

export interface EnvironmentStatus {
  readonly name: string;
  readonly url?: string;
  readonly stands: Standing;
  readonly release?: ReleaseRef;
  /** Of services that another release brought than the environment's. */
  readonly releases?: Releases;
  /** Those that have not ended, in the order of their turns: the first is under way. */
  readonly open: readonly Run[];
  readonly waiting: readonly string[];
  /** Services that answer everybody with their maintenance page. */
  readonly inMaintenance?: Readonly<Record<ServiceName, Maintenance>>;
}

/** RFC 9457: `title` says what kind of trouble, `detail` what is so, `mend` what to do about it. */
export interface ProblemDocument {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly mend: string;
  /** Everything that is wrong with a request, each with its path. */
  readonly errors?: readonly { readonly path: string; readonly detail: string }[];
}

function verb<Name extends string>(verbName: Name, summary: string) {
  return {
    method: "post",
    path: `/deployments/:id/${verbName}`,
    summary,
    params: deploymentPath,
    body: verbBody,
    answers: "json",
  } as const;
}
