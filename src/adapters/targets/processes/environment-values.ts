// The environment that a replica is given: texts as they are, URLs of services and backing services, secrets by the
// version that the revision was made with. Values exist here and in the host's 0600 files, nowhere else.
import type { EnvValue } from "../../../domain/config/config.ts";
import { Problem } from "../../../domain/problem.ts";
import type { SecretVersions } from "../../../domain/release.ts";

export interface ValueSources {
  readonly environment: string;
  readonly secrets: SecretVersions;
  /** A secret's value under a version. */
  secret(name: string, version: string | undefined): string;
  /** URL of a service through the router, or of a backing service; undefined when there is no such thing. */
  url(name: string): Promise<string | undefined>;
}

export async function environmentValues(
  env: Readonly<Record<string, EnvValue>>,
  sources: ValueSources,
): Promise<Readonly<Record<string, string>>> {
  const values = Object.entries(env).map(async ([name, value]): Promise<[string, string]> => {
    if (typeof value === "string") return [name, value];
    if ("secret" in value) return [name, sources.secret(value.secret, sources.secrets[value.secret])];
    const url = await sources.url(value.from);
    if (url !== undefined) return [name, url];
    throw new Problem(
      `${name} should be the URL of ${value.from}, which does not run in ${sources.environment}`,
      `Name ${value.from} in dependsOn so that it is deployed first`,
    );
  });
  return Object.fromEntries(await Promise.all(values));
}
