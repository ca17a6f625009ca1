// An attack, as CVE-2025-36852 describes it: a pull request's build leaves a poisoned result under the very key that the
// protected branch will ask for. Played against the real server, with tokens as `sluice cache token` makes them.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Config, parseConfig } from "../../domain/config/config.ts";
import { tokenAuth } from "../../server/auth.ts";
import { type Listening, listen } from "../../server/listen.ts";
import { problemAnswer } from "../../server/problem-answer.ts";
import { addSharedCache } from "../../server/shared-cache.ts";
import { signedToken } from "../../server/signed-token.ts";
import { buildRelease } from "../release-build.ts";
import { type Files, Repository, type Run } from "../test-repository.ts";
import { openRemote } from "./remote.ts";
import { sharingOf } from "./settings.ts";
import { openShelves } from "./shelves.ts";

const files: Files = {
  "package.json": { name: "shop", private: true, workspaces: ["libs/*", "apps/*"] },
  "package-lock.json": { name: "shop", lockfileVersion: 3, packages: {} },
  "turbo.json": { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] } } },
  ".gitignore": "node_modules\ndist\n",
  "libs/price/package.json": { name: "price", scripts: { build: "mkdir -p dist && cp src/price.js dist/price.js" } },
  "libs/price/src/price.js": "export const price = 100;\n",
  "apps/api/package.json": {
    name: "api",
    scripts: { build: "mkdir -p dist && cp ../../libs/price/dist/* dist/" },
    dependencies: { price: "*" },
  },
  "apps/web/package.json": { name: "web", scripts: {} },
  "apps/web/out/index.html": "hello",
};
const service = (path: string, output: string) => ({ kind: "static", path, build: { command: "true", output } });

let scratch = "";
let listening: Listening;
let made: Repository[] = [];
const secret = "the control plane's own token";

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sluice-trust-"));
  const app = new Hono();
  app.onError((error, context) => problemAnswer(context, error, console.error));
  const auth = tokenAuth({ token: secret, clock: { now: () => 0 }, person: { name: "ana", roles: "every" } });
  addSharedCache(app, { shelves: openShelves(join(scratch, "shelves")), auth, secret, now: () => 0 });
  listening = await listen(app, { port: 0 });
});
afterEach(async () => {
  await listening.close();
  rmSync(scratch, { recursive: true });
  for (const one of made) one.dispose();
  made = [];
});

const main = () => signedToken(secret, { kind: "trusted" }, 1);
const pull = () => signedToken(secret, { kind: "untrusted", name: "pulls" }, 1);

function checkout(): Repository {
  const one = new Repository(files);
  made.push(one);
  return one;
}

/** As `sluice run build` does with these variables. */
async function run(r: Repository, env: Readonly<Record<string, string>>): Promise<Run> {
  const { scope, remote: settings } = await sharingOf(undefined, env);
  const remote = settings && openRemote({ ...settings, warn: (text) => expect(text).toBe("") });
  const found = await r.run(["build"], { scope, remote });
  await remote?.flush(20_000);
  return found;
}

const withToken = (token: string) => ({ TURBO_API: `http://127.0.0.1:${listening.port}`, TURBO_TOKEN: token });

/** What a malicious build tool does: other outputs from the same sources, so under the same key. */
function corrupt(r: Repository): void {
  const bin = join(r.root, "node_modules/evil");
  r.write({ "node_modules/evil/cp": '#!/bin/sh\nmkdir -p dist && echo "export const price = 0;" > dist/price.js\n' });
  chmodSync(join(bin, "cp"), 0o755);
  r.env.PATH = `${bin}:${process.env.PATH}`;
}

async function deployed(r: Repository): Promise<string> {
  const services = { api: service("apps/api", "dist"), web: service("apps/web", "out") };
  const parsed = parseConfig({ workspace: "shop", services, environments: { staging: {} } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const config: Config = parsed.config;
  await buildRelease({ root: r.root, config, data: join(scratch, "data") });
  return readFileSync(join(r.root, "apps/api/dist/price.js"), "utf8");
}

test("what a pull request's build poisons reaches neither the protected branch nor a deployment", async () => {
  const attacker = checkout();
  corrupt(attacker);
  expect((await run(attacker, withToken(pull()))).ran).toBe("api#build price#build");

  const protectedBranch = checkout();
  expect((await run(protectedBranch, withToken(main()))).ran).toBe("api#build price#build");
  expect(await deployed(protectedBranch)).toBe("export const price = 100;\n");
});

test("outputs of an untrusted entry are refused where a release is built, until trusted ones have taken their place", async () => {
  const attacker = checkout();
  corrupt(attacker);
  await run(attacker, withToken(pull()));

  const victim = checkout();
  const fetched = await run(victim, withToken(pull()));
  expect(fetched.results.map((one) => one.outcome)).toEqual(["fetched", "fetched"]);
  expect(victim.read("apps/api/dist/price.js")).toBe("export const price = 0;\n");
  const refusal = /dist comes from an untrusted build \(\w+#build, untrusted\/pulls\)/;
  await expect(deployed(victim)).rejects.toThrow(refusal);
  victim.remove(".sluice/outputs");
  victim.remove(".sluice/cache"); // as `sluice cache clear` does
  await expect(deployed(victim)).rejects.toThrow(refusal);

  // A task that did not run again, on top of one that did: still of the untrusted entry.
  expect((await run(victim, withToken(pull()))).outcome("api#build")).toBe("fetched");
  await expect(deployed(victim)).rejects.toThrow(refusal);

  expect((await run(victim, withToken(main()))).ran).toBe("api#build price#build");
  expect(await deployed(victim)).toBe("export const price = 100;\n");
});

test("on one machine, too, a trusted run does not use what an untrusted one kept or left in place", async () => {
  const r = checkout();
  corrupt(r);
  await run(r, { SLUICE_CACHE_SCOPE: "untrusted/pulls" });
  expect((await run(r, { SLUICE_CACHE_SCOPE: "untrusted/pulls" })).ran).toBe("");
  expect((await run(r, { SLUICE_CACHE_SCOPE: "untrusted/others" })).ran).toBe("api#build price#build");
  r.env.PATH = process.env.PATH;
  expect((await run(r, {})).ran).toBe("api#build price#build");
  expect(r.read("apps/api/dist/price.js")).toBe("export const price = 100;\n");
  r.remove("libs/price/dist");
  const restored = await run(r, { SLUICE_CACHE_SCOPE: "untrusted/pulls" });
  expect([restored.outcome("price#build"), restored.outcome("api#build")]).toEqual(["restored", "in place"]);
  expect(await deployed(r)).toBe("export const price = 100;\n");
});

test("a server without scopes is believed no further than signatures go", async () => {
  const shared = (more: Readonly<Record<string, string>>) => ({ ...withToken(secret), ...more });
  // The control plane's own token is no cache token: a stand-in for a server whose tokens tell nothing.
  const hidden = openRemoteWithoutShelves;
  const unsigned = checkout();
  await run(checkout(), shared({}));
  expect((await hidden(unsigned, shared({}))).outcome("api#build")).toBe("fetched");
  await expect(deployed(unsigned)).rejects.toThrow("untrusted/unsigned");
  // What is made on top of such a result is no better, though it was made here.
  unsigned.write({ "apps/api/package.json": { ...Object(files["apps/api/package.json"]), version: "2.0.0" } });
  const onTop = await hidden(unsigned, shared({}));
  expect([onTop.outcome("price#build"), onTop.outcome("api#build")]).toEqual(["in place", "ran"]);
  await expect(deployed(unsigned)).rejects.toThrow("untrusted/unsigned");
});

test("a signing key that is empty is none: everybody could sign with it", async () => {
  const env = { TURBO_API: "http://127.0.0.1:9", TURBO_TOKEN: "t", SLUICE_CACHE_SIGNATURE_KEY: "" };
  const { scope, remote } = await sharingOf(undefined, env);
  expect([remote?.signature, scope.reads]).toEqual([undefined, ["trusted", "untrusted/unsigned"]]);
});

async function openRemoteWithoutShelves(r: Repository, env: Readonly<Record<string, string>>): Promise<Run> {
  const { scope, remote: settings } = await sharingOf(undefined, env);
  if (!settings) throw new Error("no server");
  const { get } = settings.place;
  const place = {
    ...settings.place,
    get: async (...args: Parameters<typeof get>) => {
      const received = await get(...args);
      return received && { ...received, shelf: undefined };
    },
  };
  const remote = openRemote({ ...settings, place, warn: (text) => expect(text).toBe("") });
  const found = await r.run(["build"], { scope, remote });
  await remote.flush(20_000);
  return found;
}
