// npm run bench:router: bundles the bench and the router as they are now, runs the bench, leaves nothing behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
const here = import.meta.dirname;
try {
  await build({
    entryPoints: {
      bench: join(here, "bench.ts"),
      load: join(here, "load.ts"),
      router: join(here, "../../src/host/router-main.ts"),
    },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  });
  const run = spawnSync(process.execPath, [join(folder, "bench.mjs"), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
