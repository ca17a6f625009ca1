// esbuild for tests that start programs of their own (a real host): the fault is planted in what it bundles, too.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { faults } from "./faults.mjs";

const esbuild = createRequire(import.meta.url)("esbuild");
const planted = faults.find(({ name }) => name === process.env.SLUICE_FAULT);

const plant = {
  name: "plant a fault",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path !== resolve(import.meta.dirname, "../..", planted.file)) return undefined;
      return { contents: readFileSync(path, "utf8").replace(planted.from, () => planted.to), loader: "ts" };
    }),
};

export function build(options) {
  return esbuild.build(planted === undefined ? options : { ...options, plugins: [...(options.plugins ?? []), plant] });
}
