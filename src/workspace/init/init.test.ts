import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig, pipelineIn } from "../config-file.ts";
import { planInit, writeInit } from "./init.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-init-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const shop = {
  "package.json":
    '{\n    "name": "shop",\n    "workspaces": ["apps/*", "packages/**"],\n    "scripts": { "logs": "tail -f log" }\n}\n',
  "apps/gateway/package.json":
    '{ "name": "@shop/gateway", "scripts": { "start": "node dist/server.js" }, "dependencies": { "express": "5", "@shop/http": "*" } }',
  "apps/gateway/src/server.ts": "fetch(process.env.USERS_URL); fetch(process.env.ORDER_SERVICE_URL);",
  "apps/users/package.json": '{ "name": "@shop/users", "dependencies": { "fastify": "5", "pg": "8" } }',
  "apps/users/src/main.ts": 'app.get("/healthz"); connect(process.env.DATABASE_URL, process.env.SESSION_SECRET);',
  "apps/order-service/package.json":
    '{ "name": "@shop/order-service", "dependencies": { "@nestjs/core": "11" }, "scripts": { "build": "tsc", "start": "node dist/main" } }',
  "apps/order-service/src/main.ts": "",
  "apps/mailer/package.json":
    '{ "name": "@shop/mailer", "scripts": { "start": "node src/index.js" }, "dependencies": { "bullmq": "5" } }',
  "apps/mailer/src/index.js": "process.env.REDIS_URL",
  "apps/web/package.json":
    '{ "name": "@shop/web", "scripts": { "build": "vite build", "start": "vite" }, "devDependencies": { "vite": "8" } }',
  "apps/web/index.html": "",
  "packages/http/package.json": '{ "name": "@shop/http", "dependencies": {} }',
  "packages/http/src/index.ts": 'export const route = "/health"; createServer(handler);',
};

const wishes = { withScripts: false, force: false };

test("services, sites and workers are told from libraries, with what they need of each other", async () => {
  write(shop);
  const plan = await planInit(root, wishes);
  await writeInit(plan);
  expect(readFileSync(join(root, "sluice.config.ts"), "utf8")).toMatchInlineSnapshot(`
    "// What is deployed, where to, and how. Every key: docs/config.md of Sluice, or hover it in your editor.
    // Check it and see what a deployment would do, without doing it: npx sluice plan local
    import { defineConfig } from "sluice";

    export default defineConfig({
      services: {
        // answers requests: express
        gateway: {
          kind: "http",
          path: "apps/gateway",
          build: { bundle: "src/server.ts" },
          health: { path: "/health" },
          replicas: 2,
          env: {
            ORDER_SERVICE_URL: { from: "order-service" },
            USERS_URL: { from: "users" },
          },
          dependsOn: ["order-service", "users"],
          ingress: { path: "/api" },
        },
        // works on a queue: bullmq
        mailer: {
          kind: "worker",
          path: "apps/mailer",
          build: { bundle: "src/index.js" },
          replicas: 2,
          env: {
            REDIS_URL: { secret: "REDIS_URL" },
          },
        },
        // answers requests: @nestjs/core
        "order-service": {
          kind: "http",
          path: "apps/order-service",
          build: { before: "npm run build", bundle: "dist/main.js" },
          health: { path: "/health" }, // none was found: have it answer 200 once requests can be served
          replicas: 2,
        },
        // answers requests: fastify
        users: {
          kind: "http",
          path: "apps/users",
          build: { bundle: "src/main.ts" },
          health: { path: "/healthz" },
          replicas: 2,
          env: {
            DATABASE_URL: { from: "postgres" },
            SESSION_SECRET: { secret: "SESSION_SECRET" },
          },
        },
        // a site: vite and an index.html
        web: {
          kind: "static",
          path: "apps/web",
          build: { command: "npm run build", output: "dist" },
          ingress: { path: "/" },
        },
      },

      // Every bake holds the new version against these; environments may be stricter.
      checks: {
        errorRateMax: "5%",
        latency: { p99: "3s" },
        minimumRequests: 100,
      },

      // A release is built once and goes from one environment to the next.
      environments: {
        local: {
          port: 8080,
          strategy: "rolling",
          bake: "0s", // nobody is there to watch
          backing: { postgres: {} },
          secrets: { envFile: ".env.local" }, // NAME=value lines; keep it out of Git
        },
        development: {
          port: 8081,
          strategy: "rolling",
          bake: "0s",
          backing: { postgres: {} },
          secrets: { envFile: ".env.development" }, // NAME=value lines; keep it out of Git
        },
        staging: {
          port: 8082,
          strategy: "blueGreen", // the new side at full size, then one switch
          bake: "0s", // nobody is there to watch: test it with jobs: { preview: ["smoke"] }
          backing: { postgres: {} },
          secrets: { envFile: ".env.staging" }, // NAME=value lines; keep it out of Git
        },
        production: {
          after: "staging", // only what succeeded there: sluice deploy --from staging --to production
          port: 8083,
          strategy: "canary", // 5, 25, 50, 100 % of traffic, five minutes of watching each
          bake: "10m",
          checks: { errorRateMax: "1%" },
          // approvals: { quorum: 1 }, // people who must say yes first
          backing: { postgres: {} },
          secrets: { envFile: ".env.production" }, // NAME=value lines; keep it out of Git
        },
      },
    });
    "
  `);
});

test("the configuration that is written is a good one", async () => {
  write(shop);
  await writeInit(await planInit(root, wishes));
  const { config } = await loadConfig(root);
  expect(Object.keys(config.services)).toEqual(["gateway", "mailer", "order-service", "users", "web"]);
  expect(readFileSync(join(root, ".gitignore"), "utf8")).toBe(".sluice/\n");
});

test("scripts are added beside those that are there, in the file's own indentation", async () => {
  write(shop);
  await writeInit(await planInit(root, { ...wishes, withScripts: true }));
  expect(readFileSync(join(root, "package.json"), "utf8")).toMatchInlineSnapshot(`
    "{
        "name": "shop",
        "workspaces": [
            "apps/*",
            "packages/**"
        ],
        "scripts": {
            "logs": "tail -f log",
            "deploy:dev": "sluice deploy development",
            "deploy:staging": "sluice deploy staging",
            "deploy:prod": "sluice deploy --from staging --to production",
            "deploy:rollback": "sluice rollback production",
            "health:check": "sluice status --check"
        }
    }
    "
  `);
});

test("a configuration that is there is never overwritten unasked", async () => {
  write({ ...shop, "sluice.config.ts": "mine" });
  await expect(planInit(root, wishes)).rejects.toThrow("There is a sluice.config.ts already");
  const [file] = (await planInit(root, { ...wishes, force: true })).files;
  expect(file?.change).toBe("replaced");
  expect(readFileSync(join(root, "sluice.config.ts"), "utf8")).toBe("mine");
});

test("a repository without a package.json, or without services, says what is lacking", async () => {
  await expect(planInit(root, wishes)).rejects.toThrow(`There is no package.json to read in ${root}`);
  write({ "package.json": '{ "name": "lib" }', "src/index.ts": "export {}" });
  await expect(planInit(root, wishes)).rejects.toThrow(`No service was found in ${root}`);
  expect(existsSync(join(root, "sluice.config.ts"))).toBe(false);
});

test("packages are found as pnpm and Nx know them", async () => {
  write({
    "package.json": '{ "name": "shop", "dependencies": { "express": "5", "left-pad": "1" } }',
    "pnpm-workspace.yaml": "packages: ['apps/*', '!apps/old']\n",
    "apps/api/package.json": '{ "name": "api", "dependencies": { "fastify": "5" } }',
    "apps/api/src/main.ts": "",
    "apps/old/package.json": '{ "name": "old", "dependencies": { "fastify": "5" } }',
    "apps/old/src/main.ts": "",
  });
  expect((await planInit(root, wishes)).services.map((s) => s.name)).toEqual(["api"]);
  rmSync(join(root, "pnpm-workspace.yaml"));
  write({
    "nx.json": "{}",
    "services/users/project.json": '{ "name": "users", "targets": {} }',
    "services/users/src/main.ts": 'import express from "express";',
    "libs/text/project.json": '{ "name": "text" }',
    "libs/text/src/index.ts": 'import "left-pad";',
  });
  expect((await planInit(root, wishes)).services.map((s) => [s.name, s.kind])).toEqual([["users", "http"]]);
});

test("a workspace in which nothing is deployed gets a configuration that says so, and a good one", async () => {
  write({ "package.json": '{ "workspaces": ["libs/*"] }', "libs/text/package.json": '{ "name": "text" }' });
  const plan = await planInit(root, wishes);
  expect(plan.services).toEqual([]);
  expect(plan.files[0]?.text).toContain("Nothing here starts");
  await writeInit(plan);
  await expect(pipelineIn(join(root, "sluice.config.ts"), plan.files[0]?.text ?? "")).resolves.toEqual(
    expect.anything(),
  );
});

test("a repository of one package is its own service", async () => {
  write({
    "package.json": '{ "name": "hello", "scripts": { "start": "node server.js" } }',
    "server.js": "createServer(",
  });
  const { services } = await planInit(root, wishes);
  expect(services).toMatchObject([{ name: "hello", path: ".", kind: "http", build: { bundle: "server.js" } }]);
});
