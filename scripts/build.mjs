// Bundles the tool into dist/: one file a process (dependencies stay in node_modules), and the dashboard.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const entries = {
  sluice: "src/cli/main.ts",
  index: "src/index.ts",
  control: "src/control-main.ts",
  supervisor: "src/host/supervisor-main.ts",
  router: "src/host/router-main.ts",
  static: "src/host/static-main.ts",
};

// What is packed holds no chunks of earlier builds.
if (process.argv.includes("--types")) rmSync(`${root}/dist`, { recursive: true, force: true });
const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(`${root}/${file}`)));
await build({
  absWorkingDir: root,
  entryPoints: present,
  outdir: "dist",
  bundle: true,
  splitting: true,
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
});

if (existsSync(`${root}/dashboard/vite.config.ts`) && !process.argv.includes("--no-dashboard")) {
  const { build: bundlePage } = await import("vite");
  await bundlePage({ root: `${root}/dashboard`, configFile: `${root}/dashboard/vite.config.ts`, logLevel: "warn" });
}

if (process.argv.includes("--types")) {
  rmSync(`${root}/dist/types`, { recursive: true, force: true });
  const types = spawnSync("npx", ["tsc", "-p", "tsconfig.types.json"], { cwd: root, stdio: "inherit" });
  process.exitCode = types.status ?? 1;
}
