// npm run bench:many: bundles the bench and its worker as they are now, runs it, leaves nothing behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const folder = mkdtempSync(join(here, ".run-")); // beside node_modules, which stay outside the bundle
try {
  await build({
    entryPoints: [join(here, "many.ts"), join(here, "many-worker.ts")],
    outdir: folder,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
  });
  process.exitCode =
    spawnSync(process.execPath, [join(folder, "many.js"), ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
