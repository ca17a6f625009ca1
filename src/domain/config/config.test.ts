import { expect, test } from "vitest";
import { freezeConfig, parseConfig, thawConfig } from "./config.ts";

const small = {
  services: { api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts" } } },
  environments: { local: {} },
};

function wrongWith(written: unknown): string {
  const parsed = parseConfig(written);
  return parsed.ok ? "nothing" : parsed.problems.map(({ path, so, mend }) => `${path}: ${so}\n  ${mend}`).join("\n");
}

test("a small config gets every default, in one unit for each quantity", () => {
  const parsed = parseConfig(small);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  expect(parsed.config.services.api).toMatchInlineSnapshot(`
    {
      "build": {
        "bundle": "src/main.ts",
        "entries": {},
        "external": [],
        "include": [],
      },
      "cpu": 250,
      "dependsOn": [],
      "drainTimeout": 30000,
      "env": {},
      "grace": 10000,
      "health": {
        "healthyThreshold": 2,
        "interval": 2000,
        "startWithin": 60000,
        "timeout": 2000,
        "unhealthyThreshold": 3,
      },
      "kind": "http",
      "memory": 256,
      "path": "apps/api",
      "port": 8080,
      "replicas": 1,
    }
  `);
  expect(parsed.config.environments.local).toMatchInlineSnapshot(`
    {
      "autoRollback": true,
      "backing": {},
      "bake": 60000,
      "checks": {},
      "entry": {},
      "env": {},
      "hold": {
        "onDeadline": "rollback",
        "within": 3600000,
      },
      "jobs": {
        "after": [],
        "gate": [],
        "preview": [],
      },
      "metrics": {
        "otlp": {
          "interval": 15000,
        },
        "source": "host",
      },
      "port": 0,
      "queue": "latestWins",
      "rollback": {
        "within": 300000,
      },
      "secrets": {},
      "services": {},
      "strategy": "rolling",
      "target": {
        "kind": "processes",
      },
    }
  `);
});

test("a frozen config parses to the same, so a release means the same under a later version's defaults", () => {
  const written = {
    ...small,
    strategies: { careful: { kind: "canary", steps: [{ setWeight: "1%" }, { bake: "1h30m" }, { approve: {} }] } },
    environments: {
      staging: { services: { api: { cpu: "0.5 vCPU", memory: "1GB" } }, strategy: { kind: "blueGreen" } },
      production: { after: "staging", strategy: "careful", checks: { latency: { p99: "250ms" } } },
    },
  };
  const parsed = parseConfig(written);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const again = parseConfig(JSON.parse(JSON.stringify(freezeConfig(parsed.config))));
  expect(again).toEqual(parsed);
});

test("what an earlier version froze is read though it has keys that are no more, also within a strategy", () => {
  const parsed = parseConfig({ ...small, environments: { local: { strategy: { kind: "blueGreen" } } } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const frozen = JSON.parse(JSON.stringify(freezeConfig(parsed.config)));
  const older = structuredClone(frozen);
  older.gone = 1;
  older.services.api.health.gone = [1];
  older.environments.local.strategy.gone = { a: 1 };
  expect(thawConfig(older)).toEqual(thawConfig(frozen));
  expect(parseConfig(older).ok).toBe(false); // what comes in new is told
  older.services.api.port = "eighty";
  expect(thawConfig(older)).toMatchObject({ ok: false, problems: [{ path: "services.api.port" }] });
});

test("all problems of form and of sense are reported at once, each with its path and its mend", () => {
  expect(
    wrongWith({
      workspce: "shop",
      services: {
        web: { kind: "http", path: "../web", build: { bundel: "src/main.ts" }, memory: "12 parsecs", replcias: 2 },
        api: { kind: "htpp", path: "apps/api", build: { command: "npm run build" }, dependsOn: ["wbe", "users"] },
        users: { kind: "http", path: "apps/users", build: { bundle: "main.ts" }, dependsOn: ["api"], port: "80" },
        jobs: { kind: "worker", build: { bundle: "main.ts" }, env: { A: { form: "api" }, B: { from: "apo" } } },
      },
      environments: {
        staging: { strategy: "canray", services: { wbe: { cpu: "lots" } } },
        production: {
          after: "stagign",
          queue: "sometimes",
          strategy: {
            kind: "canary",
            steps: [{ setWieght: 5 }, { setWeight: 50 }, { setWeight: 20 }, { job: "smoke" }],
          },
        },
      },
      checks: { latency: { p99: 3 } },
    }),
  ).toMatchInlineSnapshot(`
    "services.web.path: "../web" is not right: a path stays inside the repository: relative, without ..
      Write for example path: "apps/api"
    services.web.build.bundel: "bundel" is not a known key
      Did you mean "bundle"?
    services.web.memory: "12 parsecs" is not an amount of memory
      Write "512Mi", "1Gi", "1GB" or a number of MiB; from 4 MiB to 4 TiB
    services.web.replcias: "replcias" is not a known key
      Did you mean "replicas"?
    services.api.kind: "htpp" is not "http", "worker" or "static"
      Write "http", "worker" or "static"
    services.api.build.output: is missing
      Add for example output: "dist"
    services.users.port: "80" is not a number
      Write for example port: 3000
    services.jobs.path: is missing
      Add for example path: "apps/api"
    services.jobs.env.A.form: "form" is not a known key
      Did you mean "from"?
    environments.staging.services.wbe.cpu: "lots" is not an amount of CPU
      Write "250m" (millicores), 0.5 (cores) or "0.5 vCPU"; from "1m" to "256"
    environments.production.strategy.steps[0].setWieght: "setWieght" is not a known key
      Did you mean "setWeight"?
    environments.production.queue: "sometimes" is not "wait", "latestWins" or "cancelInProgress"
      Write "wait", "latestWins" or "cancelInProgress"
    checks.latency.p99: 3 is not text
      Write for example p99: "3s"
    workspce: "workspce" is not a known key
      Did you mean "workspace"?
    services.api.start: is missing: Sluice cannot guess how to start what a command built
      Add start: "node main.js"
    services.api.dependsOn[0]: "wbe" is not a service
      Did you mean "web"?
    services.api.dependsOn: a cycle: api → users → api
      Take one of these away; none of them could move first
    services.jobs.env.B.from: "apo" is not a service or a backing service
      Did you mean "api"?
    environments.staging.strategy: "canray" is not a strategy
      Did you mean "canary"?
    environments.production.strategy.steps[3].job: "smoke" is not a job
      None is named in this file
    environments.production.strategy.steps[2].setWeight: goes down, from 50 to 20
      Let weights rise; going back is the engine's work
    environments.production.after: "stagign" is not an environment
      Did you mean "staging"?
    environments.staging.services.wbe: "wbe" is not a service
      Did you mean "web"?"
  `);
});

test("a config that is no object, or is empty, says so", () => {
  expect(wrongWith(undefined)).toMatchInlineSnapshot(`
    ": is missing
      Add an object"
  `);
  expect(wrongWith({ services: {}, environments: {} })).toMatchInlineSnapshot(`
    "services: is empty
      Name at least one: services: { api: { … } }
    environments: is empty
      Name at least one: environments: { local: { … } }"
  `);
});

test("a probe asks one question", () => {
  const liveness = {};
  const jobs = { kind: "worker", path: "jobs", build: { bundle: "main.ts" }, health: { liveness } };
  const api = { ...small.services.api, health: { path: "/health", tcp: true } };
  expect(wrongWith({ ...small, services: { api, jobs } })).toMatchInlineSnapshot(`
    "services.api.health: asks by path and tcp
      Keep one: a probe is one question
    services.jobs.health.liveness: asks nothing
      A worker has no /health: add command: "node health.js", or path"
  `);
});

test("a preview job where there is no preview is told, not ignored", () => {
  const written = {
    services: { api: { kind: "http", path: "api", build: { bundle: "main.ts" } } },
    jobs: { smoke: { service: "api", command: "node smoke.js" } },
    environments: { staging: { strategy: "rolling", jobs: { preview: ["smoke"] } } },
  };
  expect(wrongWith(written)).toContain("strategy rolling has no preview");
});
