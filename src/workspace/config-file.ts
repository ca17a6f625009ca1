// Finds and evaluates sluice.config.ts. Only where the repository is (CLI, runner): the server is sent frozen JSON.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createJiti } from "jiti";
import { z } from "zod";
import { type Config, parseConfig } from "../domain/config/config.ts";
import * as sluice from "../domain/config/define.ts";
import { Pipeline, type PipelineConfig } from "../domain/config/pipeline.ts";
import { InvalidConfig, problemsOf } from "../domain/config/problems.ts";
import { Problem } from "../domain/problem.ts";
import { stateFolder } from "./cache/sealed-file.ts";

export interface LoadedConfig {
  /** The repository's root: the folder that holds the file. */
  readonly root: string;
  readonly file: string;
  readonly config: Config;
}

export const configFiles = ["sluice.config.ts", "sluice.config.mts", "sluice.config.js", "sluice.config.mjs"];

/** From the nearest config file at or above `folder`; a Problem when there is none, or with all that is wrong in it. */
export async function loadConfig(folder: string): Promise<LoadedConfig> {
  const file = findConfigFile(folder);
  if (file === undefined) {
    throw new Problem(
      `No sluice.config.ts in ${folder} or above`,
      'Run "sluice init" in the root of your repository, or go there',
    );
  }
  const root = dirname(file);
  const parsed = parseConfig(withName(await evaluate(file), root));
  if (!parsed.ok) throw new InvalidConfig(basename(file), parsed.problems);
  return { root, file, config: parsed.config };
}

export function findConfigFile(folder: string): string | undefined {
  const file = configFiles.map((name) => join(folder, name)).find((path) => existsSync(path));
  const above = dirname(resolve(folder));
  return file ?? (above === resolve(folder) ? undefined : findConfigFile(above));
}

/** Only the pipeline of a config file whose text is given: it may be of another time than what lies on the disk. */
export async function pipelineIn(file: string, text: string): Promise<PipelineConfig | undefined> {
  const written = await evaluate(file, text);
  if (typeof written !== "object" || written === null || !("pipeline" in written)) return undefined;
  const parsed = z
    .strictObject({ pipeline: Pipeline })
    .safeParse({ pipeline: written.pipeline }, { reportInput: true });
  if (parsed.success) return parsed.data.pipeline;
  throw new InvalidConfig(basename(file), problemsOf(parsed.error.issues, z.strictObject({ pipeline: Pipeline })));
}

async function evaluate(file: string, text?: string): Promise<unknown> {
  // `import { defineConfig } from "sluice"` means this very tool, also where the repository does not have it installed.
  const fsCache = join(stateFolder(dirname(file)), "config"); // what it was transpiled to, by its content
  const jiti = createJiti(import.meta.url, { virtualModules: { sluice }, fsCache, moduleCache: false });
  try {
    if (text === undefined) return await jiti.import(file, { default: true });
    const module: unknown = await jiti.evalModule(text, { filename: file, async: true, forceTranspile: true });
    return typeof module === "object" && module !== null && "default" in module ? module.default : module;
  } catch (error) {
    const because = error instanceof Error ? `${error.name}: ${error.message.split("\n")[0]}` : String(error);
    throw new Problem(
      `${basename(file)} cannot be evaluated: ${because}`,
      "Mend the file; it is run as plain TypeScript",
    );
  }
}

function withName(written: unknown, root: string): unknown {
  if (typeof written !== "object" || written === null || "workspace" in written) return written;
  return { workspace: rootName(root), ...written };
}

function rootName(root: string): string {
  try {
    const { name }: { name?: unknown } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    if (typeof name === "string" && name !== "") return name;
  } catch {
    // No package.json, or not one to read: the folder's name does as well.
  }
  return basename(root);
}
