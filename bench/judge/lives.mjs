// npm run bench:judge-lives: bundles the lives and the host's programs as they are now, runs them, leaves nothing behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const folder = mkdtempSync(join(here, ".run-")); // beside node_modules, which stay outside the bundle
try {
  await build({
    entryPoints: {
      lives: join(here, "lives.ts"),
      static: join(here, "../../src/host/static/main.ts"),
      supervisor: join(here, "../../src/host/supervisor-main.ts"),
      router: join(here, "../../src/host/router-main.ts"),
    },
    outdir: folder,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node22",
  });
  const run = spawnSync(process.execPath, [join(folder, "lives.js"), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, EXAMPLE: join(here, "../../examples/expense-tracker") },
  });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
