// The tests with one fault planted, chosen by SLUICE_FAULT: in what vitest loads, never in the working tree.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { faults, harmless } from "./faults.mjs";

const root = resolve(import.meta.dirname, "../..");
const planted = [...faults, harmless].find(({ name }) => name === process.env.SLUICE_FAULT);

export default defineConfig({
  root,
  resolve: { alias: { esbuild: resolve(import.meta.dirname, "esbuild.mjs") } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    pool: "threads",
    isolate: false,
    bail: 1,
  },
  plugins: [
    {
      name: "plant a fault",
      enforce: "pre",
      transform(code, id) {
        if (planted === undefined || id !== resolve(root, planted.file)) return undefined;
        return code.replace(planted.from, () => planted.to);
      },
    },
  ],
});
