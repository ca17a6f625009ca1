// Where the monorepo generator, its stop-watch and its cases are: a tool set of its own, beside this repository or named.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const project = fileURLToPath(new URL("../..", import.meta.url));

/** Undefined where they are not here. */
export function monorepoTools() {
  const beside = ["../shared/tools/monorepo", "../../shared/tools/monorepo"].map((folder) => join(project, folder));
  return [process.env.MONOREPO_TOOLS, ...beside]
    .filter((folder) => folder !== undefined)
    .map((folder) => resolve(folder))
    .find((folder) => existsSync(join(folder, "bench.mjs")));
}
