import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Config, parseConfig } from "../domain/config/config.ts";
import { revisionsFor } from "../domain/release.ts";
import { packedArtifact, storePacked, unpackArtifact } from "./artifact/store.ts";
import { buildRelease, sha256 } from "./release-build.ts";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "sluice-release-"));
  repository("shop");
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An npm workspace with a service on a shared library and an optional dependency that is missing, and a static site. */
function repository(name: string): string {
  const root = join(scratch, name);
  const files = {
    "package.json": '{ "name": "shop", "workspaces": ["apps/*", "libs/*"] }',
    "libs/greet/index.ts": 'export const greet = (who: string) => "hello " + who;',
    "apps/api/src/main.ts": `import { createRequire } from "node:module";
import { greet } from "../../../libs/greet/index.ts";
import optional from "carefree";
const require = createRequire(import.meta.url);
console.log(greet("world"), optional, typeof require("node:fs").readFileSync);`,
    "apps/api/src/smoke.ts": 'console.log("smoke");',
    "apps/api/migrations/1.sql": "select 1;",
    "node_modules/carefree/package.json": '{ "name": "carefree", "main": "index.js" }',
    "node_modules/carefree/index.js":
      'try { module.exports = require("native-add-on"); } catch { module.exports = __dirname.length > 0 ? "without" : "lost"; }',
    "apps/web/page.html": "<h1>shop</h1>",
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function config(changes: { api?: object; environments?: object } = {}): Config {
  const parsed = parseConfig({
    workspace: "shop",
    services: {
      api: {
        kind: "http",
        path: "apps/api",
        build: { bundle: "src/main.ts", entries: { smoke: "src/smoke.ts" }, include: ["migrations"] },
        env: { KEY: { secret: "KEY" } },
        ...changes.api,
      },
      web: {
        kind: "static",
        path: "apps/web",
        build: { command: "rm -rf dist && mkdir dist && cp page.html dist/index.html", output: "dist" },
      },
    },
    environments: { staging: {}, production: { services: { api: { memory: "1GB" } } }, ...changes.environments },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function build(root: string, changes = {}, data = join(scratch, "data")) {
  return buildRelease({ root, data, config: config(changes), version: "1" });
}

test("the artifact of a bundled service runs by itself, with what its jobs and its migrations need", async () => {
  const release = await build(join(scratch, "shop"));
  const folder = join(scratch, "unpacked", "where nothing is yet");
  await unpackArtifact(join(scratch, "data"), release.services.api?.artifact ?? "", folder);
  expect(readdirSync(folder, { recursive: true }).toSorted()).toEqual([
    "main.js",
    "main.js.map",
    "migrations",
    "migrations/1.sql",
    "package.json",
    "smoke.js",
    "smoke.js.map",
  ]);
  const run = (file: string) => execFileSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
  expect(run("main.js")).toBe("hello world without function\n");
  expect(run("smoke.js")).toBe("smoke\n");
});

test("the same content in another folder is the same release, whoever builds at the same time", async () => {
  const elsewhere = join(scratch, "elsewhere/nested/shop");
  cpSync(join(scratch, "shop"), elsewhere, { recursive: true });
  const data = join(scratch, "data-shared");
  const [here, there] = await Promise.all([build(join(scratch, "shop"), {}, data), build(elsewhere, {}, data)]);
  expect(there).toEqual(here);
  expect(readdirSync(join(data, "artifacts")).toSorted()).toEqual(
    Object.values(here.services)
      .map(({ artifact }) => artifact)
      .toSorted(),
  );
});

test("a change in one service leaves the artifact and the revision of the other as they are", async () => {
  const before = await build(join(scratch, "shop"));
  const changed = repository("changed");
  writeFileSync(join(changed, "libs/greet/index.ts"), 'export const greet = (who: string) => "good day " + who;');
  const after = await build(changed);
  expect(after.id).not.toBe(before.id);
  expect(after.services.api).not.toEqual(before.services.api);
  expect(after.services.web).toEqual(before.services.web);
  const at = { environment: "staging", secretVersions: { KEY: "1" }, digest: sha256 };
  expect(revisionsFor(after, at).web).toEqual(revisionsFor(before, at).web);
});

test("a revision is told apart by its environment's config and by its secret's version, not by its replicas", async () => {
  const release = await build(join(scratch, "shop"));
  const id = (environment: string, version: string) =>
    revisionsFor(release, { environment, secretVersions: { KEY: version }, digest: sha256 }).api?.revision;
  expect(id("staging", "1")).toMatch(/^api-[0-9a-f]{12}$/);
  expect(id("production", "1")).not.toBe(id("staging", "1"));
  expect(id("staging", "2")).not.toBe(id("staging", "1"));
  const wider = await build(join(scratch, "shop"), { api: { replicas: 5 } });
  const again = revisionsFor(wider, { environment: "staging", secretVersions: { KEY: "1" }, digest: sha256 });
  expect(again.api?.revision).toBe(id("staging", "1"));
});

test("a damaged artifact is named and never unpacked, here or after it was sent", async () => {
  const data = join(scratch, "data-damaged");
  const release = await build(join(scratch, "shop"), {}, data);
  const artifact = release.services.web?.artifact ?? "";
  const packed = await packedArtifact(data, artifact);
  const flipped = Buffer.from(packed);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 0xff;
  writeFileSync(join(data, "artifacts", artifact, "artifact.tar.gz"), flipped);
  await expect(unpackArtifact(data, artifact, join(scratch, "never"))).rejects.toThrow(
    `Artifact ${artifact.slice(0, 12)} is damaged: its content no longer has the hash that it is named by`,
  );
  expect(existsSync(join(scratch, "never"))).toBe(false);
  const manifest = { artifact, service: "web", inputs: "", config: "", files: 1, bytes: 1 };
  await expect(storePacked(join(scratch, "other"), flipped, manifest)).rejects.toThrow("arrived damaged");
  await storePacked(join(scratch, "other"), packed, manifest);
  await unpackArtifact(join(scratch, "other"), artifact, join(scratch, "sent"));
  expect(readdirSync(join(scratch, "sent"))).toEqual(["index.html"]);
});

test("a build that fails, leaves nothing or has no entry says so in one sentence", async () => {
  const root = join(scratch, "shop");
  const broken = (api: object) => build(root, { api }).catch((error: Error) => error.message);
  expect(await broken({ build: { bundle: "src/mian.ts" } })).toBe(
    "api should start from apps/api/src/mian.ts, which is not there",
  );
  expect(await broken({ build: { command: "echo no luck; exit 3", output: "dist" }, start: "node main.js" })).toBe(
    'The build of api failed: "echo no luck; exit 3" ended with 3:\n  no luck',
  );
  expect(await broken({ build: { command: "true", output: "dist" }, start: "node main.js" })).toBe(
    "The build of api ended well but left no folder apps/api/dist",
  );
  writeFileSync(join(root, "apps/api/src/wrong.ts"), 'import "./gone.ts";');
  expect(await broken({ build: { bundle: "src/wrong.ts" } })).toBe(
    'api could not be bundled:\n  apps/api/src/wrong.ts:1:8: Could not resolve "./gone.ts"',
  );
});

test("a release carries what the router is told of a service: its routes and its maintenance page", async () => {
  const root = repository("told");
  writeFileSync(join(root, "apps/api/openapi.json"), '{ "paths": { "/orders/{id}": { "get": {} } } }');
  writeFileSync(join(root, "apps/api/soon.html"), "<p>soon</p>");
  const api = { openapi: "openapi.json", traffic: { maintenancePage: "soon.html" } };
  const release = await build(root, { api });
  expect(release.services.api).toMatchObject({ routeClasses: ["GET /orders/{id}"], maintenancePage: "<p>soon</p>" });
  const missing = { api: { traffic: { maintenancePage: "nowhere.html" } } };
  await expect(build(root, missing)).rejects.toThrow("apps/api/nowhere.html is not there");
});
