// Reads NAME=value lines: where an environment's secrets come from. Values go from here to the control plane's secrets
// and nowhere else: never into a release, an event, a log or an error.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../domain/config/config.ts";
import { serviceIn } from "../domain/config/resolve.ts";
import { environmentNamed } from "../domain/intent.ts";
import { Problem } from "../domain/problem.ts";
import { secretsOf } from "../domain/release.ts";

/** The secrets that an environment's services name, with their values. A Problem when one has none. */
export async function secretValues({
  root,
  config,
  environment,
}: {
  root: string;
  config: Config;
  environment: string;
}): Promise<Readonly<Record<string, string>>> {
  const { secrets, backing, metrics } = environmentNamed(config, environment);
  const { token, ca, certificate, key } = metrics.prometheus ?? {};
  const asked = [token, ca, certificate, key].flatMap((one) => (one === undefined ? [] : [one.secret]));
  const urls = [backing.postgres?.url?.secret, backing.redis?.url?.secret].filter((name) => name !== undefined);
  const named = Object.keys(config.services).flatMap((name) => secretsOf(serviceIn(config, environment, name)));
  const names = [...new Set([...named, ...urls, ...asked])].toSorted();
  if (names.length === 0) return {};
  const { envFile } = secrets;
  if (envFile === undefined) {
    throw new Problem(
      `${environment} takes the secret ${names.join(", ")} from nowhere`,
      `Add to environments.${environment}: secrets: { envFile: ".env.${environment}" }`,
    );
  }
  const values = parseEnvFile(await read(join(root, envFile), envFile));
  const missing = names.filter((name) => values[name] === undefined);
  if (missing.length > 0)
    throw new Problem(`${envFile} has no value for ${missing.join(", ")}`, `Add ${missing[0]}=… to ${envFile}`);
  return Object.fromEntries(names.map((name) => [name, values[name] ?? ""]));
}

async function read(file: string, shown: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Problem(`${shown} is not there`, `Write it: one NAME=value a line`);
  });
}

/** As dotenv reads it: comments, `export`, quotes; in double quotes \n is a line break. */
export function parseEnvFile(text: string): Readonly<Record<string, string>> {
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^\n#]*?))[ \t]*(?:#[^\n]*)?$/gm;
  return Object.fromEntries(
    [...text.replaceAll("\r\n", "\n").matchAll(line)].map(([, name = "", double, single, bare]) => [
      name,
      double === undefined
        ? (single ?? bare ?? "")
        : double.replace(/\\(.)/gs, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    ]),
  );
}
