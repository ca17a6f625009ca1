import { expect, test } from "vitest";
import { type Config, parseConfig } from "./config/config.ts";
import { wavesOf } from "./config/resolve.ts";
import { intentFor } from "./intent.ts";

function config(environment: object): Config {
  const parsed = parseConfig({
    services: {
      web: { kind: "http", path: "apps/web", build: { bundle: "main.ts" }, dependsOn: ["api"] },
      api: { kind: "http", path: "apps/api", build: { bundle: "main.ts" }, replicas: 2 },
      mailer: { kind: "worker", path: "apps/mailer", build: { bundle: "main.ts" } },
    },
    environments: { production: environment },
    jobs: { smoke: { service: "api", command: "node smoke.js" } },
    checks: { probes: { health: { url: "/health" } } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function intent(environment: object) {
  const revisions = { web: "web-1", api: "api-1", mailer: "mailer-1" };
  return intentFor({ config: config(environment), environment: "production", revisions, publicUrl: "http://shop/" });
}

test("an environment's sizes, jobs and checks come into what is intended", () => {
  const wanted = intent({
    strategy: "blueGreen",
    services: { api: { replicas: 5 } },
    jobs: { preview: ["smoke"], after: ["smoke"] },
    checks: { errorRateMax: "1%" },
    bake: "10m",
  });
  expect(wanted.services.api?.size).toBe(5);
  expect(wanted.services.mailer?.serves).toBe(false);
  expect(wanted.services.web?.strategy).toEqual({
    kind: "blueGreen",
    preview: [{ kind: "job", name: "smoke", withinMs: 300_000 }],
    switchShares: [100],
    afterSwitch: [],
  });
  expect(wanted.verify.map((gate) => gate.kind)).toEqual(["job", "bake"]);
  expect(wanted.verify[1]).toMatchObject({ lastsMs: 600_000 });
  const host = { kind: "metric", source: "host", comparator: ">", isOptional: true };
  expect(wanted.verify[1]?.kind === "bake" && wanted.verify[1].checks).toEqual([
    { kind: "errors", rateMax: 0.01, minimumRequests: 100 },
    { kind: "latency", quantile: 0.99, limitMs: 3000, minimumRequests: 100 },
    { kind: "comparison", alpha: 0.01, minimumRequests: 100, requireProof: false },
    { ...host, name: "memory", query: "memoryShare", limit: 95, forMs: 30_000 },
    { ...host, name: "restarts", query: "restarts", limit: 3, forMs: 0 },
    { kind: "probe", name: "health", method: "GET", url: "http://shop/health", status: 200, withinMs: 5000 },
  ]);
});

test("a canary's preview jobs run once the candidate has its first share", () => {
  const { strategy } = intent({ strategy: "canary", jobs: { preview: ["smoke"] } }).services.api ?? {};
  const kinds = strategy?.kind === "canary" ? strategy.steps.slice(0, 3).map((step) => step.kind) : [];
  expect(kinds).toEqual(["setWeight", "job", "bake"]);
});

test("blue-green without automatic promotion asks a person before the switch", () => {
  const { strategy } = intent({ strategy: { kind: "blueGreen", autoPromote: false } }).services.api ?? {};
  expect(strategy?.kind === "blueGreen" && strategy.preview.map((gate) => gate.kind)).toEqual(["approve"]);
});

test("services move in waves, those first that others depend on", () => {
  expect(wavesOf(config({}))).toEqual([["api", "mailer"], ["web"]]);
});

test("an unknown environment and a target that is not there yet are told while planning", () => {
  const parts = { revisions: {}, publicUrl: "http://shop" };
  expect(() => intentFor({ config: config({}), environment: "prodution", ...parts })).toThrow(
    'There is no environment "prodution"',
  );
  const elsewhere = config({ target: { kind: "kubernetes" } });
  expect(() => intentFor({ config: elsewhere, environment: "production", ...parts })).toThrow(
    'production runs on "kubernetes", which this version of Sluice cannot deploy to yet',
  );
});
