// YAML, loaded only when there is some to read: pnpm-workspace.yaml and the lock files of pnpm and yarn berry.
import { Problem } from "../domain/problem.ts";
import { isObject, type JsonObject } from "./jsonc.ts";

/** In a lock file every scalar is text: `ms: 4` is a range. */
export async function parseLockYaml(text: string, file: string): Promise<JsonObject> {
  return await parseYaml(text, file, "failsafe");
}

export async function parseYaml(text: string, file: string, schema = "core"): Promise<JsonObject> {
  const { parse } = await import("yaml");
  try {
    const value: unknown = parse(text, { maxAliasCount: 10_000, uniqueKeys: false, schema });
    return isObject(value) ? value : {};
  } catch (error) {
    const because = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new Problem(`${file} is not valid YAML: ${because}`, `Mend ${file}`);
  }
}
