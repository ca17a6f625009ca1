// From a revision's making to something the host can start: the artifact unpacked, the environment filled in.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { EnvValue } from "../../../domain/config/config.ts";
import type { ReplicaSpec } from "../../../host/api.ts";
import type { KeptRevision } from "../../revisions/revision-file.ts";

export interface RunnableParts {
  readonly dataFolder: string;
  /** The program that serves a static site. */
  readonly staticProgram: string;
  unpack(artifact: string, folder: string): Promise<void>;
  /** The image that an unpacked artifact is; undefined when it is none. */
  imageIn(folder: string): Promise<RunnableImage | undefined>;
  values(env: Readonly<Record<string, EnvValue>>, kept: KeptRevision): Promise<Readonly<Record<string, string>>>;
}

/** What a container of it is started with, unless the service says otherwise. */
interface RunnableImage {
  readonly digest: string;
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly uid: number;
  readonly gid: number;
}

/** Throws a Problem when the artifact is missing or damaged, or a value cannot be had. */
export async function replicaSpecOf(kept: KeptRevision, parts: RunnableParts): Promise<ReplicaSpec> {
  const { spec } = kept;
  const folder = await unpacked(spec.artifact, parts);
  const values = await parts.values(spec.env, kept);
  const image = await parts.imageIn(folder);
  return {
    folder,
    command: spec.kind === "static" ? [process.execPath, parts.staticProgram, folder] : withNode(spec.command),
    env: { ...surroundings(kept), ...(spec.kind === "static" ? { SLUICE_SITE_ENV: siteEnv(values, kept) } : values) },
    ...(image === undefined ? {} : contained(image, { kept, values })),
    readiness: spec.readiness,
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

/** Its own command, folder, PATH and user, where the service names none. */
function contained(
  { command, env, workingDir, uid, gid, rootfs, digest }: RunnableImage,
  { kept, values }: { kept: KeptRevision; values: Readonly<Record<string, string>> },
) {
  const { PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } = env;
  return {
    command: kept.spec.command.length === 0 ? command : kept.spec.command,
    env: { ...surroundings(kept), ...env, PATH, ...values },
    user: kept.spec.user ?? `${uid}:${gid}`,
    container: { rootfs, digest, workingDir },
  };
}

async function unpacked(
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
function surroundings({
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

/** A job's command where its service's replicas run. */
export function commandAt(
  { container }: { readonly container?: unknown },
  command: readonly string[],
): readonly string[] {
  return container === undefined ? withNode(command) : command;
}

/** The Node that runs us runs them too, wherever it was found. */
function withNode(command: readonly string[]): readonly string[] {
  return command[0] === "node" ? [process.execPath, ...command.slice(1)] : command;
}

/** The small document beside index.html: a site learns its environment when it is opened, not when it is built. */
function siteEnv(values: Readonly<Record<string, string>>, { environment, version }: KeptRevision): string {
  return JSON.stringify({ ENVIRONMENT: environment, VERSION: version, ...values });
}
