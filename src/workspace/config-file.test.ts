import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "./config-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

const config = `
import { defineConfig } from "sluice";
const port: number = 3000;
export default defineConfig({
  services: { api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts" }, port } },
  environments: { local: {} },
});`;

test("a config that imports sluice is read where sluice is not installed, from any folder below it", async () => {
  write("sluice.config.ts", config);
  write("package.json", '{ "name": "shop" }');
  mkdirSync(join(folder, "apps/api"), { recursive: true });
  const loaded = await loadConfig(join(folder, "apps/api"));
  expect(loaded.root).toBe(folder);
  expect(loaded.config.workspace).toBe("shop");
  expect(loaded.config.services.api?.port).toBe(3000);
});

test("a config that was changed is read anew", async () => {
  write("sluice.config.ts", config);
  await loadConfig(folder);
  write("sluice.config.ts", config.replace("3000", "4000"));
  expect((await loadConfig(folder)).config.services.api?.port).toBe(4000);
});

test("no config, a config that throws and a config that is wrong each say what to do", async () => {
  await expect(loadConfig(folder)).rejects.toMatchObject({
    message: `No sluice.config.ts in ${folder} or above`,
    mend: 'Run "sluice init" in the root of your repository, or go there',
  });
  write("sluice.config.ts", "export default { services: missing };");
  await expect(loadConfig(folder)).rejects.toThrow(
    "sluice.config.ts cannot be evaluated: ReferenceError: missing is not defined",
  );
  write("sluice.config.ts", "export default { services: { Api: {} }, environments: {} };");
  await expect(loadConfig(folder)).rejects.toThrowErrorMatchingInlineSnapshot(`
    [Problem: sluice.config.ts has 2 problems:
      services.Api: is not right: a name is lower-case letters, digits and dashes, and starts with a letter
        Choose another name
      environments: is empty
        Name at least one: environments: { local: { … } }]
  `);
});
