// What a configuration comes to in one environment: the service as it is sized there, the strategy with its gates
// filled in, the checks with their overrides. Pure, so a plan made from a frozen config is the same everywhere.
import type { Check, HostQuery } from "../check.ts";
import type { Ms } from "../frame.ts";
import type { ApprovalPolicy, CanaryStep, Exposure, Gate, Strategy } from "../strategy.ts";
import type { Condition, Watch } from "../watch.ts";
import type {
  CanaryStepConfig,
  ConditionConfig,
  Config,
  EnvironmentConfig,
  ExposureConfig,
  GateConfig,
  ServiceConfig,
  StrategyConfig,
} from "./config.ts";
import { Strategy as StrategySchema } from "./strategy.ts";

/** A service with what the environment overrides. */
export type ResolvedService = ServiceConfig & { readonly name: string };

export function environmentOf(config: Config, name: string): EnvironmentConfig {
  const environment = config.environments[name];
  if (environment === undefined) throw new Error(`no environment ${name} in the config`);
  return environment;
}

export function serviceIn(config: Config, environment: string, name: string): ResolvedService {
  const base = config.services[name];
  if (base === undefined) throw new Error(`no service ${name} in the config`);
  const here = environmentOf(config, environment);
  const override = here.services[name] ?? {};
  const traffic = base.traffic || override.traffic ? { traffic: { ...base.traffic, ...override.traffic } } : {};
  return { ...base, ...override, ...traffic, name, env: { ...base.env, ...here.env, ...override.env } };
}

/** A name without a dot is put before the environment's domain. */
export function hostIn(domain: string | undefined, host: string): string {
  return host.includes(".") || domain === undefined ? host : `${host}.${domain}`;
}

/** Names under which the outside asks for an environment: its domain, and the hosts of its services. */
export function publicNames(config: Config, environment: string): readonly string[] {
  const { domain } = environmentOf(config, environment);
  const hosts = Object.keys(config.services).flatMap((name) => {
    const { host, previewHost } = serviceIn(config, environment, name).ingress ?? {};
    return [host, previewHost].flatMap((one) => (one === undefined ? [] : [hostIn(domain, one)]));
  });
  return [...new Set([...(domain === undefined ? [] : [domain]), ...hosts])].map((name) => name.toLowerCase());
}

/** Services that move together, those before that others depend on: the deployment's waves. */
export function wavesOf(config: Config): readonly (readonly string[])[] {
  const depth = (name: string): number =>
    Math.max(0, ...(config.services[name]?.dependsOn ?? []).map((other) => 1 + depth(other)));
  const names = Object.keys(config.services).toSorted();
  const deepest = Math.max(0, ...names.map(depth));
  return Array.from({ length: deepest + 1 }, (_, wave) => names.filter((name) => depth(name) === wave));
}

/** `publicUrl` is the environment's address, before which probes that name only a path are put. */
export function checksIn(config: Config, environment: string, publicUrl: string): readonly Check[] {
  const here = environmentOf(config, environment).checks;
  const { errorRateMax, latency, comparison, minimumRequests, memoryMax, restartsMax, metrics, probes } = {
    ...config.checks,
    ...here,
  };
  const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
  return [
    { kind: "errors", rateMax: errorRateMax / 100, minimumRequests },
    ...(["p50", "p95", "p99"] as const).flatMap((name): readonly Check[] => {
      const limitMs = latency[name];
      if (limitMs === undefined) return [];
      return [{ kind: "latency", quantile: quantiles[name], limitMs, minimumRequests }];
    }),
    ...(comparison === false
      ? []
      : [
          {
            kind: "comparison",
            alpha: comparison.alpha / 100,
            minimumRequests,
            requireProof: comparison.requireProof,
          } as const,
        ]),
    ...hostLimit("memory", "memoryShare", memoryMax, 30_000),
    ...hostLimit("restarts", "restarts", restartsMax, 0),
    ...Object.entries({ ...config.checks.metrics, ...metrics }).map(
      ([name, { source, query, comparator, limit, for: forMs }]): Check => ({
        kind: "metric",
        name,
        source,
        query,
        comparator,
        limit,
        forMs,
      }),
    ),
    ...Object.entries({ ...config.checks.probes, ...probes }).map(
      ([name, { method, url, status, bodyIncludes, within, failuresMax }]): Check => ({
        kind: "probe",
        name,
        method,
        url: url.startsWith("/") ? publicUrl.replace(/\/$/, "") + url : url,
        status,
        ...(bodyIncludes === undefined ? {} : { bodyIncludes }),
        withinMs: within,
        ...(failuresMax === 1 ? {} : { failuresMax }),
      }),
    ),
  ];
}

/** What every bake looks at by itself, where the target can tell. */
function hostLimit(name: string, query: HostQuery, limit: number | false, forMs: Ms): readonly Check[] {
  if (limit === false) return [];
  return [{ kind: "metric", name, source: "host", query, comparator: ">", limit, forMs, isOptional: true }];
}

/** The environment's strategy as the domain knows it: named ones looked up, checks in every bake, preview jobs in place. */
export function strategyIn(config: Config, environment: string, checks: readonly Check[]): Strategy {
  const { jobs } = environmentOf(config, environment);
  const gate = (step: GateConfig): Gate => gateOf(step, config, checks);
  const preview = jobs.preview.map((job) => gate({ job }));
  const strategy = strategyConfigOf(config, environment);
  switch (strategy.kind) {
    case "recreate":
      return { kind: "recreate" };
    case "rolling": {
      const { kind, batchSize, maxUnavailable, pause, maxFailureShare } = strategy;
      return { kind, batchSize, maxUnavailable, pauseMs: pause, maxFailureShare };
    }
    case "blueGreen": {
      const promote: readonly Gate[] = strategy.autoPromote ? [] : [gate({ approve: anyone })];
      return {
        kind: "blueGreen",
        preview: [...preview, ...strategy.preview.map(gate), ...promote],
        switchShares: strategy.switchShares,
        afterSwitch: strategy.afterSwitch.map(gate),
        ...exposureOf(strategy.exposure),
      };
    }
    case "canary":
      return {
        kind: "canary",
        steps: withPreview(
          preview,
          strategy.steps.map((step) => canaryStepOf(step, gate)),
        ),
        ...exposureOf(strategy.exposure),
      };
  }
}

/** Jobs that an environment runs once its services have moved: before the final bake, and before the next environment. */
export function jobsIn(
  config: Config,
  environment: string,
): { readonly after: readonly Gate[]; readonly gate: readonly Gate[] } {
  const { jobs } = environmentOf(config, environment);
  const gates = (names: readonly string[]) => names.map((job) => gateOf({ job }, config, []));
  return { after: gates(jobs.after), gate: gates(jobs.gate) };
}

function strategyConfigOf(config: Config, environment: string): StrategyConfig {
  const { strategy } = environmentOf(config, environment);
  if (typeof strategy !== "string") return strategy;
  return config.strategies[strategy] ?? StrategySchema.parse({ kind: strategy });
}

function exposureOf(written: ExposureConfig | undefined): { readonly exposure?: Exposure } {
  if (written === undefined) return {};
  const { requests, users, onSpent } = written;
  return {
    exposure: { ...(requests === undefined ? {} : { requestsMax: requests }), ...(users && { users }), onSpent },
  };
}

/** What is held against a release after its deployment has ended. */
export function watchIn(config: Config, environment: string): Watch | undefined {
  const { watch } = environmentOf(config, environment);
  if (watch === undefined) return undefined;
  const { for: lastsMs, manualApprovalRequired, conditions } = watch;
  return { lastsMs, manualApprovalRequired, conditions: conditions.map(conditionOf) };
}

function conditionOf(written: ConditionConfig): Condition {
  const common = { forMs: written.for, ...(written.services && { services: written.services }) };
  if ("health" in written) return { kind: "health", atLeast: written.health, ...common };
  if ("part" in written) return { kind: "part", part: written.part, ...common };
  if ("query" in written) {
    const { source, query, comparator, limit } = written;
    return { kind: "metric", source, query, comparator, limit, ...common };
  }
  const { minimumRequests } = written;
  if ("errorRateMax" in written)
    return { kind: "errors", rateMax: written.errorRateMax / 100, minimumRequests, ...common };
  const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
  const { latencyMax: limitMs, quantile } = written;
  return { kind: "latency", quantile: quantiles[quantile], limitMs, minimumRequests, ...common };
}

/** A canary's preview is its first share: there is nothing to test before the candidate runs. */
function withPreview(preview: readonly Gate[], steps: readonly CanaryStep[]): readonly CanaryStep[] {
  const first = steps.findIndex((step) => step.kind === "setWeight") + 1;
  return [...steps.slice(0, first), ...preview, ...steps.slice(first)];
}

function canaryStepOf(step: CanaryStepConfig, gate: (step: GateConfig) => Gate): CanaryStep {
  return "setWeight" in step ? { kind: "setWeight", weight: step.setWeight } : gate(step);
}

// A bake that cannot decide holds for at most this much longer; then it goes back.
const patienceMs = 3_600_000;
const anyone = { quorum: 1, roles: [], within: 86_400_000 };

function gateOf(step: GateConfig, config: Config, checks: readonly Check[]): Gate {
  if ("job" in step) {
    const withinMs = config.jobs[step.job]?.within;
    if (withinMs === undefined) throw new Error(`no job ${step.job} in the config`);
    return { kind: "job", name: step.job, withinMs };
  }
  if ("bake" in step) {
    const { min, max } = typeof step.bake === "number" ? { min: step.bake, max: step.bake } : step.bake;
    const early = min < max ? { earliestMs: min } : {};
    return { kind: "bake", lastsMs: max, ...early, checks, withinMs: max + patienceMs };
  }
  if ("pause" in step) return { kind: "bake", lastsMs: step.pause, checks: [], withinMs: step.pause };
  const { quorum, roles, note, within } = step.approve;
  const policy: ApprovalPolicy = { quorum, roles, ...(note === undefined ? {} : { note }) };
  return { kind: "approve", policy, withinMs: within };
}
