import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { parseConfig } from "./config/config.ts";
import { makeRelease, type Release } from "./release.ts";
import { isSameContent, releaseDiff } from "./release-diff.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function release(version: string, { env = {}, bake = "1m", code = "a", more = {} } = {}): Release {
  const parsed = parseConfig({
    services: { api: { kind: "http", path: "api", build: { bundle: "main.ts" }, env }, ...more },
    environments: { production: { bake } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const services = Object.fromEntries(Object.keys(parsed.config.services).map((n) => [n, { artifact: sha256(code) }]));
  return makeRelease({ version, services, config: parsed.config }, sha256);
}

test("code is compared by artifact, configuration by key, and both sides are shown", () => {
  const diff = releaseDiff(release("1"), release("2", { code: "b", bake: "5m" }));
  expect(diff.code).toEqual([{ service: "api", change: "changed", from: sha256("a"), to: sha256("b") }]);
  expect(diff.config).toEqual([{ path: "environments.production.bake", change: "changed", from: "1m", to: "5m" }]);
});

test("values of the environment are never in it, only which differ and which secret they name", () => {
  const before = release("1", { env: { LEVEL: "topsecret-old", GONE: "x-private" } });
  const after = release("2", { env: { LEVEL: "topsecret-new", KEY: { secret: "API_KEY" } } });
  const diff = releaseDiff(before, after);
  expect(diff.values).toEqual([
    { path: "services.api.env.GONE", change: "removed", kind: "text" },
    { path: "services.api.env.KEY", change: "added", kind: "secret", names: "API_KEY" },
    { path: "services.api.env.LEVEL", change: "changed", kind: "text" },
  ]);
  expect(JSON.stringify(diff)).not.toMatch(/topsecret|x-private/);
});

test("a service that only one of them has is added or removed, with its keys", () => {
  const web = { kind: "http", path: "web", build: { bundle: "main.ts" } };
  const diff = releaseDiff(release("1"), release("2", { more: { web } }));
  expect(diff.code).toEqual([{ service: "web", change: "added", to: sha256("a") }]);
  expect(diff.config.every(({ path, change }) => path.startsWith("services.web.") && change === "added")).toBe(true);
  expect(releaseDiff(release("2", { more: { web } }), release("1")).code[0]?.change).toBe("removed");
});

test("the same contents under two labels do not differ", () => {
  expect(isSameContent(releaseDiff(release("1"), release("one")))).toBe(true);
});
