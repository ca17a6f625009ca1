// Where the cache lies, within what limits, and where it is shared.
import { join, relative, resolve } from "node:path";
import type { PipelineConfig } from "../../domain/config/pipeline.ts";
import { gitFolder } from "../git/git-folder.ts";
import type { Environment } from "../tasks/environment.ts";
import type { RemoteOptions } from "./remote.ts";
import { type Scope, scopeOfRun, tokenIn, unvouched } from "./scope.ts";

export type CacheConfig = NonNullable<PipelineConfig["cache"]>;

/** Linked worktrees of one repository share the cache of the main one. */
export function cacheFolder(root: string): string {
  const named = process.env.SLUICE_CACHE_DIR;
  if (named) return resolve(root, named);
  const found = gitFolder(root);
  const linked = found && /^(.*)\/\.git\/worktrees\/[^/]+$/.exec(found.folder);
  const home = linked ? join(linked[1] ?? root, relative(found.top, root)) : root;
  return join(home, ".sluice", "cache");
}

export function limitsOf(config: CacheConfig | undefined) {
  return {
    sizeMaxBytes: (config?.sizeMax ?? 10_240) * 2 ** 20,
    ageMaxMs: config?.ageMax ?? 14 * 86_400_000,
  };
}

export type Sharing = Readonly<{ scope: Scope; remote: Omit<RemoteOptions, "warn"> | undefined }>;

/** An artifact server that the environment names comes before the bucket of the configuration. */
export async function sharingOf(config: CacheConfig | undefined, env: Environment): Promise<Sharing> {
  const scope = scopeOfRun(env);
  const place = await placeOf(config, env);
  if (place === undefined) return { scope, remote: undefined };
  const { signatureWith } = await import("./signature.ts");
  // Empty is unset: so CI hands over a secret that a pull request may not have, and an empty one would be everybody's.
  const signature = signatureWith({
    key: env.SLUICE_CACHE_SIGNATURE_KEY || env.TURBO_REMOTE_CACHE_SIGNATURE_KEY || undefined,
    publicKey: env.SLUICE_CACHE_PUBLIC_KEY || undefined,
  });
  const isVouchedFor = signature !== undefined || place.isScoped || scope.makes !== "trusted";
  const believed = isVouchedFor ? scope : unvouched;
  const isReadOnly = env.SLUICE_CACHE_READ_ONLY === "1" || env.TURBO_REMOTE_CACHE_READ_ONLY === "true";
  const timeoutMs = 1000 * (Number(env.TURBO_REMOTE_CACHE_TIMEOUT) || 30);
  return { scope: believed, remote: { place, scope: believed, signature, isReadOnly, timeoutMs } };
}

async function placeOf(config: CacheConfig | undefined, env: Environment) {
  const url = env.SLUICE_CACHE_API || env.TURBO_API;
  const token = tokenIn(env);
  if (url && token) {
    const { artifactApi } = await import("./artifact-api.ts");
    return artifactApi({ url: url.replace(/\/+$/, ""), token, team: env.TURBO_TEAM, teamId: env.TURBO_TEAMID });
  }
  if (config?.s3 === undefined) return undefined;
  const { s3Place } = await import("./s3.ts");
  return s3Place(config.s3, env);
}
