// A release: what was built, with its configuration, under one content hash. It goes from environment to environment
// without a rebuild; what it comes to in one of them is computed here.
import { canonical } from "./canonical.ts";
import { type Config, type EnvValue, type FrozenConfig, freezeConfig, parseConfig } from "./config/config.ts";
import { type ResolvedService, serviceIn } from "./config/resolve.ts";
import type { Ms, RevisionId } from "./frame.ts";
import type { ServiceName } from "./plan.ts";

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
  readonly services: Readonly<Record<ServiceName, { readonly artifact: Sha256 }>>;
  readonly config: FrozenConfig;
  readonly configHash: Sha256;
}

/** Keyed hashes of the values that secrets have in an environment: they say that a value changed, never what it is. */
export type SecretVersions = Readonly<Record<string, string>>;

/** What makes a revision what it is; nothing about how many replicas or how much traffic. */
export interface RevisionSpec {
  readonly kind: ResolvedService["kind"];
  readonly artifact: Sha256;
  /** Without a shell, in the artifact's folder. Empty for a static site, which the target serves in its own way. */
  readonly command: readonly string[];
  /** References are resolved where it runs; of a static site they become /env.json. */
  readonly env: Readonly<Record<string, EnvValue>>;
  readonly port: number;
  readonly readiness: Readiness;
  readonly startWithinMs: Ms;
  readonly drainTimeoutMs: Ms;
  readonly graceMs: Ms;
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
  readonly user?: string;
  /** Where the outside finds it: a change of it is a change of the service. */
  readonly ingress?: ResolvedService["ingress"];
}

export type Readiness = { readonly intervalMs: Ms; readonly timeoutMs: Ms } & {
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
} & (
    | { readonly kind: "http"; readonly path: string }
    | { readonly kind: "command"; readonly command: readonly string[] }
    /** A worker that names no check is ready while it runs. */
    | { readonly kind: "running" }
  );

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

/** The release's config, trusted again only after parsing: it came over the wire or out of a database. */
export function configOf(release: Release): Config {
  const parsed = parseConfig(release.config);
  if (!parsed.ok)
    throw new Error(`release ${release.id} carries a config that does not parse: ${JSON.stringify(parsed.problems)}`);
  return parsed.config;
}

/** What each service of the release is in an environment. */
export function revisionsFor(
  release: Release,
  { environment, secretVersions, digest }: { environment: string; secretVersions: SecretVersions; digest: Digest },
): Readonly<Record<ServiceName, Revision>> {
  const config = configOf(release);
  return Object.fromEntries(
    Object.entries(release.services).map(([name, { artifact }]) => {
      const spec = specOf(serviceIn(config, environment, name), artifact);
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

function specOf(service: ResolvedService, artifact: Sha256): RevisionSpec {
  return {
    kind: service.kind,
    artifact,
    command: service.kind === "static" ? [] : words(service.start ?? "node main.js"),
    env: service.env,
    port: service.port,
    readiness: readinessOf(service),
    startWithinMs: service.health.startWithin,
    drainTimeoutMs: service.drainTimeout,
    graceMs: service.grace,
    cpuMillicores: service.cpu,
    memoryMiB: service.memory,
    ...(service.user === undefined ? {} : { user: String(service.user) }),
    ...(service.ingress === undefined ? {} : { ingress: service.ingress }),
  };
}

function readinessOf({ kind, health }: ResolvedService): Readiness {
  const { interval, timeout, healthyThreshold, unhealthyThreshold } = health;
  const thresholds = { intervalMs: interval, timeoutMs: timeout, healthyThreshold, unhealthyThreshold };
  if (health.command !== undefined) return { ...thresholds, kind: "command", command: ["sh", "-c", health.command] };
  if (kind === "worker" && health.path === undefined) return { ...thresholds, kind: "running" };
  return { ...thresholds, kind: "http", path: health.path ?? (kind === "static" ? "/" : "/health") };
}

/** "node 'my file.js'" → ["node", "my file.js"]. */
export function words(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}
