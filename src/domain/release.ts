// A release: what was built, with its configuration, under one content hash. It goes from environment to environment
// without a rebuild; what it comes to in one of them is computed here.
import { canonical } from "./canonical.ts";
import {
  type Config,
  type EnvironmentConfig,
  type EnvValue,
  type FrozenConfig,
  freezeConfig,
  thawConfig,
} from "./config/config.ts";
import { environmentOf, type ResolvedService, serviceIn } from "./config/resolve.ts";
import type { Ms, RevisionId } from "./frame.ts";
import type { ServiceName } from "./plan.ts";
import { Problem } from "./problem.ts";
import type { ProjectGraph } from "./project-graph.ts";

/** SHA-256, hexadecimal. */
export type Sha256 = string;
export type Digest = (text: string) => Sha256;

export interface Release {
  /** "r-3f2a9c1b40de": hash of the artifacts and the config, so the same content is the same release. */
  readonly id: string;
  /** What people call it: "3", "v1.4.0", a commit. */
  readonly version: string;
  /** Absent outside Git; ends in "+dirty" when the worktree had changes. */
  readonly commit?: string;
  readonly services: Readonly<Record<ServiceName, BuiltService>>;
  readonly config: FrozenConfig;
  readonly configHash: Sha256;
  /** Of the repository that it was built in; a label like `commit`. */
  readonly projects?: ProjectGraph;
}

export interface BuiltService {
  readonly artifact: Sha256;
  /** "GET /orders/{id}": the routes of its OpenAPI document. */
  readonly routeClasses?: readonly string[];
  /** HTML. */
  readonly maintenancePage?: string;
}

/** Keyed hashes of the values that secrets have in an environment: they say that a value changed, never what it is. */
export type SecretVersions = Readonly<Record<string, string>>;

/** What makes a revision what it is; nothing about how many replicas or how much traffic. */
export interface RevisionSpec {
  readonly kind: ResolvedService["kind"];
  readonly artifact: Sha256;
  /** Without a shell, in the artifact's folder. Empty for a static site, which the target serves in its own way, and for an image that starts as it says itself. */
  readonly command: readonly string[];
  /** References are resolved where it runs; of a static site they become /env.json. */
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly port: number;
  readonly readiness: Readiness;
  /** Until its first yes the other probes wait. */
  readonly startup?: ProbeSpec;
  /** Its failure restarts the replica. */
  readonly liveness?: ProbeSpec;
  readonly startWithinMs: Ms;
  readonly drainTimeoutMs: Ms;
  readonly graceMs: Ms;
  readonly cpuMillicores: number;
  readonly cpuMillicoresMax?: number;
  readonly memoryMiB: number;
  readonly user?: string;
  /** Where the outside finds it: a change of it is a change of the service. */
  readonly ingress?: ResolvedService["ingress"];
  /** How the router treats its requests. */
  readonly traffic?: ResolvedService["traffic"];
  readonly routeClasses?: readonly string[];
  readonly maintenancePage?: string;
  /** How connections from outside are treated; the same for all services of an environment. */
  readonly entry?: EnvironmentConfig["entry"];
}

interface ProbeTiming {
  readonly intervalMs: Ms;
  readonly timeoutMs: Ms;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

type ProbeSpec = ProbeTiming &
  (
    | { readonly kind: "http"; readonly path: string }
    | { readonly kind: "tcp" }
    | { readonly kind: "command"; readonly command: readonly string[] }
  );

/** A worker that names no check is ready while it runs. */
type Readiness = ProbeSpec | (ProbeTiming & { readonly kind: "running" });

export interface Revision {
  readonly revision: RevisionId;
  readonly spec: RevisionSpec;
}

export interface ReleaseParts {
  readonly version: string;
  readonly commit?: string;
  readonly services: Release["services"];
  readonly config: Config;
}

export function makeRelease({ version, commit, services, config }: ReleaseParts, digest: Digest): Release {
  const frozen = freezeConfig(config);
  const configHash = digest(canonical(frozen));
  const id = `r-${digest(canonical({ services, configHash })).slice(0, 12)}`;
  return { id, version, ...(commit === undefined ? {} : { commit }), services, config: frozen, configHash };
}

/** The release's config, trusted again only after parsing: it came out of a database, and an earlier version may have frozen it. */
export function configOf(release: Release): Config {
  const thawed = thawConfig(release.config);
  if (thawed.ok) return thawed.config;
  const [{ path, so } = { path: "", so: "" }] = thawed.problems;
  throw new Problem(
    `this version of Sluice does not understand the configuration of release ${release.version}: ${path} ${so}`,
    "Deploy a release that it made",
  );
}

/** What each service of the release is in an environment. */
export function revisionsFor(
  release: Release,
  { environment, secretVersions, digest }: { environment: string; secretVersions: SecretVersions; digest: Digest },
): Readonly<Record<ServiceName, Revision>> {
  const config = configOf(release);
  return Object.fromEntries(
    Object.entries(release.services).map(([name, built]) => {
      const spec = specOf(serviceIn(config, environment, name), built, environmentOf(config, environment));
      const secrets = secretsOf(spec).map((secret) => [secret, secretVersions[secret] ?? ""]);
      const hash = digest(canonical({ spec, secrets: Object.fromEntries(secrets) }));
      return [name, { revision: `${name}-${hash.slice(0, 12)}`, spec }];
    }),
  );
}

/** Names of the secrets that it takes values from, each once, in order. */
export function secretsOf({ env }: Pick<RevisionSpec, "env">): readonly string[] {
  const names = Object.values(env).flatMap((value) =>
    typeof value === "object" && "secret" in value ? [value.secret] : [],
  );
  return [...new Set(names)].toSorted();
}

function specOf(service: ResolvedService, built: BuiltService, here: EnvironmentConfig): RevisionSpec {
  const { artifact, routeClasses, maintenancePage } = built;
  const isEntered = service.ingress !== undefined && Object.keys(here.entry).length > 0;
  const { health } = service;
  return {
    kind: service.kind,
    artifact,
    command: service.kind === "static" ? [] : words(service.start ?? (isImage(service) ? "" : "node main.js")),
    env: service.env,
    port: service.port,
    readiness: readinessOf(service),
    ...(health.startup && { startup: probeOf({ healthyThreshold: 1, unhealthyThreshold: 1, ...health.startup }) }),
    ...(health.liveness && { liveness: probeOf({ healthyThreshold: 1, ...health.liveness }) }),
    startWithinMs: health.startWithin,
    drainTimeoutMs: service.drainTimeout,
    graceMs: service.grace,
    cpuMillicores: service.cpu,
    ...(service.cpuMax === undefined ? {} : { cpuMillicoresMax: service.cpuMax }),
    memoryMiB: service.memory,
    ...(service.user === undefined ? {} : { user: String(service.user) }),
    ...(service.ingress === undefined ? {} : { ingress: service.ingress }),
    ...(service.traffic === undefined ? {} : { traffic: service.traffic }),
    ...(routeClasses === undefined ? {} : { routeClasses }),
    ...(maintenancePage === undefined ? {} : { maintenancePage }),
    ...(isEntered ? { entry: here.entry } : {}),
  };
}

/** Its artifact is an image, or names one. */
function isImage({ build }: ResolvedService): boolean {
  return "image" in build || "layout" in build;
}

function readinessOf({ kind, health }: ResolvedService): Readiness {
  const namesNothing = health.path === undefined && health.command === undefined && !health.tcp;
  if (namesNothing && kind === "worker") return { ...timing(health), kind: "running" };
  return probeOf(namesNothing ? { ...health, path: kind === "static" ? "/" : "/health" } : health);
}

type Timed = Pick<ResolvedService["health"], "interval" | "timeout" | "healthyThreshold" | "unhealthyThreshold">;
type Asked = Timed & Pick<ResolvedService["health"], "path" | "tcp" | "command">;

function probeOf(asked: Asked): ProbeSpec {
  if (asked.command !== undefined) return { ...timing(asked), kind: "command", command: ["sh", "-c", asked.command] };
  if (asked.tcp) return { ...timing(asked), kind: "tcp" };
  return { ...timing(asked), kind: "http", path: asked.path ?? "/health" };
}

function timing({ interval, timeout, healthyThreshold, unhealthyThreshold }: Timed): ProbeTiming {
  return { intervalMs: interval, timeoutMs: timeout, healthyThreshold, unhealthyThreshold };
}

/** "node 'my file.js'" → ["node", "my file.js"]. */
export function words(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
