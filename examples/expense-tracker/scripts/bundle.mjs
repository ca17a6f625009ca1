// Bundles one service into one file that needs no node_modules, as a deployment would.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} service @returns {Promise<string>} the file */
export async function bundle(service) {
  const outfile = `${root}/.data/${service}.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: [`apps/${service}/src/main.ts`],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    external: ["pg-native"],
    // Packages in CommonJS (pg) call require for Node's own modules, which a module of ESM has to be given.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return outfile;
}
