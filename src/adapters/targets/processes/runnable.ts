// From a revision's making to something the host can start: the artifact unpacked, the environment filled in.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { EnvValue } from "../../../domain/config/config.ts";
import type { RevisionSpec } from "../../../domain/release.ts";
import type { Probe, ReplicaSpec } from "../../../host/api.ts";
import type { KeptRevision } from "../../revisions/revision-file.ts";

export interface RunnableParts {
  readonly dataFolder: string;
  /** The program that serves a static site. */
  readonly staticProgram: string;
  unpack(artifact: string, folder: string): Promise<void>;
  values(env: Readonly<Record<string, EnvValue>>, kept: KeptRevision): Promise<Readonly<Record<string, string>>>;
}

/** Throws a Problem when the artifact is missing or damaged, or a value cannot be had. */
export async function replicaSpecOf(kept: KeptRevision, parts: RunnableParts): Promise<ReplicaSpec> {
  const { spec } = kept;
  const folder = await unpacked(spec.artifact, parts);
  const values = await parts.values(spec.env, kept);
  return {
    folder,
    command: spec.kind === "static" ? [process.execPath, parts.staticProgram, folder] : withNode(spec.command),
    env: { ...surroundings(kept), ...(spec.kind === "static" ? { SLUICE_SITE_ENV: siteEnv(values, kept) } : values) },
    readiness: readinessOf(spec),
    ...(spec.startup && { startup: spec.startup }),
    ...(spec.liveness && { liveness: spec.liveness }),
    startWithinMs: spec.startWithinMs,
    drainTimeoutMs: spec.drainTimeoutMs,
    graceMs: spec.graceMs,
    cpuMillicores: spec.cpuMillicores,
    ...(spec.cpuMillicoresMax === undefined ? {} : { cpuMillicoresMax: spec.cpuMillicoresMax }),
    memoryMiB: spec.memoryMiB,
    ...(spec.user === undefined ? {} : { user: spec.user }),
  };
}

export async function unpacked(
  artifact: string,
  { dataFolder, unpack }: Pick<RunnableParts, "dataFolder" | "unpack">,
): Promise<string> {
  const all = join(dataFolder, "unpacked");
  const folder = join(all, artifact);
  mkdirSync(all, { recursive: true, mode: 0o711 });
  if (!existsSync(folder)) await unpack(artifact, folder);
  return folder;
}

/** What every process of a release is told about where it runs; nothing of the control plane's own environment. */
export function surroundings({
  environment,
  service,
  revision,
  version,
}: Omit<KeptRevision, "spec" | "secrets">): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    NODE_ENV: "production",
    SLUICE_ENVIRONMENT: environment,
    SLUICE_SERVICE: service,
    SLUICE_REVISION: revision,
    SLUICE_VERSION: version,
    VERSION: version,
    // What an OpenTelemetry SDK in it says of itself: which release its numbers belong to.
    OTEL_SERVICE_NAME: service,
    OTEL_RESOURCE_ATTRIBUTES: `deployment.environment.name=${environment},sluice.revision=${revision},service.version=${encodeURIComponent(version)}`,
  };
}

/** The Node that runs us runs them too, wherever it was found. */
export function withNode(command: readonly string[]): readonly string[] {
  return command[0] === "node" ? [process.execPath, ...command.slice(1)] : command;
}

/** The small document beside index.html: a site learns its environment when it is opened, not when it is built. */
function siteEnv(values: Readonly<Record<string, string>>, { environment, version }: KeptRevision): string {
  return JSON.stringify({ ENVIRONMENT: environment, VERSION: version, ...values });
}

function readinessOf({ readiness }: RevisionSpec): Probe {
  // A worker that names no check is ready while it runs.
  return readiness.kind === "running" ? { ...readiness, kind: "command", command: ["true"] } : readiness;
}
