// Bundles a TypeScript file of this repository and imports it: the benchmark runs on the sources as they stand, no build needed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/** @param {URL} entry */
export async function load(entry) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-judge-"));
  try {
    const outfile = join(folder, "bundle.mjs");
    await build({ entryPoints: [fileURLToPath(entry)], bundle: true, format: "esm", platform: "node", outfile });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
