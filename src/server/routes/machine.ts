// The machine: how it and its services are, what they count and print, the jobs of what stands.
import { z } from "zod";
import type { EnvironmentHealth } from "../../domain/health.ts";
import type { SeenJobRun, SeenScheduledJob } from "../../domain/scheduled-job.ts";
import { flag, id, name, type Route, whole } from "./route.ts";

export const machine = {
  health: {
    method: "get",
    path: "/health",
    summary: "Whether the control plane can work",
    answers: "json",
    isOpen: true,
  },
  servicesHealth: {
    method: "get",
    path: "/services/health",
    summary: "How each service is, down to the parts that its replicas' own health answers list",
    query: z.object({ environment: name.optional() }),
    answers: "json",
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
} as const satisfies Record<string, Route>;

export interface MachineAnswers {
  health: { readonly status: "ready" | "unready"; readonly because?: string };
  servicesHealth: { readonly environments: readonly EnvironmentHealth[] };
  /** What OTLP asks for: nothing, or what was left out and why. */
  pushMetrics: { readonly partialSuccess?: { readonly rejectedDataPoints: number; readonly errorMessage: string } };
  listJobs: { readonly jobs: readonly SeenScheduledJob[] };
  runJob: { readonly run: SeenJobRun };
  getJobRun: { readonly run: SeenJobRun; readonly lines: readonly string[] };
}
