// npm run soak, npm run kill-matrix, npm run bench:host: bundles the bench and Sluice's programs as they are now, runs it,
// leaves nothing behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

process.on("SIGINT", () => {}); // the bench ends what it started, then we remove the bundles
const here = import.meta.dirname;
const [name = "soak", ...args] = process.argv.slice(2);
const folder = mkdtempSync(join(here, ".run-")); // beside node_modules, which stay outside the bundle
try {
  await build({
    entryPoints: {
      [name]: join(here, `${name}.ts`),
      service: join(here, "service.ts"),
      control: join(here, "../../src/compose/main.ts"),
      static: join(here, "../../src/host/static/main.ts"),
      supervisor: join(here, "../../src/host/supervisor-main.ts"),
      router: join(here, "../../src/host/router-main.ts"),
    },
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
