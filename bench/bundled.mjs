// Bundles programs as they are now, runs one of them, leaves nothing behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");

/** What a host is started from. */
export const hostPrograms = {
  supervisor: "src/host/supervisor-main.ts",
  router: "src/host/router-main.ts",
  static: "src/host/static/main.ts",
};

/** `programs`: sources by name, below the repository; they lie beside each other. */
export async function runBundled(name, { programs, args = process.argv.slice(2) }) {
  process.on("SIGINT", () => {}); // the bench ends what it started, then the bundles go
  const folder = mkdtempSync(join(root, "bench/.run-")); // beside node_modules, which stay outside the bundles
  try {
    await build({
      absWorkingDir: root,
      entryPoints: programs,
      outdir: folder,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
    });
    const run = spawnSync(process.execPath, [join(folder, `${name}.js`), ...args], { stdio: "inherit" });
    process.exitCode = run.status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
