// Secrets of a control plane without a provider: one file, mode 0600. Values stay under the version that a revision
// was made with, so going back to it brings back its secrets too. A version is a keyed hash: it tells nothing.
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { SecretVersions } from "../../domain/release.ts";

export interface Secrets {
  /** Makes these the current values of an environment; answers their versions. */
  put(environment: string, values: Readonly<Record<string, string>>): SecretVersions;
  versions(environment: string): SecretVersions;
  /** The value under a version, the current one when none is named. */
  value(environment: string, name: string, version?: string): string;
}

interface Kept {
  readonly key: string;
  readonly environments: Record<string, Record<string, { current: string; values: Record<string, string> }>>;
}

export function secretFile(path: string): Secrets {
  return {
    put: (environment, values) => {
      const kept = read(path);
      const here = kept.environments[environment] ?? {};
      for (const [name, value] of Object.entries(values)) {
        const version = createHmac("sha256", kept.key)
          .update(`${environment}\n${name}\n${value}`)
          .digest("hex")
          .slice(0, 16);
        here[name] = { current: version, values: { ...here[name]?.values, [version]: value } };
      }
      kept.environments[environment] = here;
      write(path, kept);
      return currentOf(here);
    },
    versions: (environment) => currentOf(read(path).environments[environment] ?? {}),
    value: (environment, name, version) => {
      const secret = read(path).environments[environment]?.[name];
      const value = secret?.values[version ?? secret.current];
      if (value !== undefined) return value;
      throw new Problem(
        `The secret ${name} has no value in ${environment}`,
        `Add ${name}=… to the environment's secrets.envFile and deploy again`,
      );
    },
  };
}

function currentOf(here: Readonly<Record<string, { readonly current: string }>>): SecretVersions {
  return Object.fromEntries(Object.entries(here).map(([name, { current }]) => [name, current]));
}

function read(path: string): Kept {
  if (!existsSync(path)) return { key: randomBytes(32).toString("hex"), environments: {} };
  return JSON.parse(readFileSync(path, "utf8"));
}

function write(path: string, kept: Kept): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, JSON.stringify(kept), { mode: 0o600 });
  renameSync(beside, path);
}
