// Bundles the tool into dist/: one file a process (dependencies stay in node_modules), and the dashboard.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
// What the way in loads only where a repository asks for it.
const apart = { "config-file": "src/workspace/config-file.ts", "task-postgres": "src/compose/task-postgres.ts" };
const entries = {
  main: "src/cli/main.ts",
  index: "src/index.ts",
  health: "src/health.ts",
  control: "src/compose/main.ts",
  supervisor: "src/host/supervisor-main.ts",
  router: "src/host/router-main.ts",
  static: "src/host/static/main.ts",
  ...apart,
};

// What is packed holds no chunks of earlier builds.
if (process.argv.includes("--types")) rmSync(`${root}/dist`, { recursive: true, force: true });
const common = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  logLevel: "warning",
};
await build({
  ...common,
  entryPoints: entries,
  splitting: true,
  packages: "external",
  chunkNames: "chunks/[name]-[hash]",
});
// The way in is one file of CommonJS, in which each part (and each of Node's own modules) is made when it is first needed:
// what `sluice run` costs when nothing changed is mostly what is loaded.
await build({
  ...common,
  entryPoints: { sluice: "src/cli/start.ts" },
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  external: ["yaml"],
  plugins: [{ name: "apart", setup: leaveApart }],
  sourcemap: false,
  minifyWhitespace: true,
  minifySyntax: true,
});
writeFileSync(`${root}/dist/sluice.js`, '#!/usr/bin/env node\nimport "./sluice.cjs";\n', { mode: 0o755 });

function leaveApart(bundle) {
  bundle.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
    const name = Object.keys(apart).find((one) => kind === "dynamic-import" && path.endsWith(`/${one}.ts`));
    return name && { path: `./${name}.js`, external: true };
  });
}

if (!process.argv.includes("--no-dashboard")) {
  const { build: bundlePage } = await import("vite");
  await bundlePage({ root: `${root}/dashboard`, configFile: `${root}/dashboard/vite.config.ts`, logLevel: "warn" });
}

if (process.argv.includes("--types")) {
  const types = spawnSync("npx", ["tsc", "-p", "tsconfig.types.json"], { cwd: root, stdio: "inherit" });
  process.exitCode = types.status ?? 1;
}
