// How Tally is built, run and released. `sluice plan production` prints what a deployment would do, frame by frame.
import { defineConfig } from "sluice";

export default defineConfig({
  workspace: "tally",
  services: {
    "user-service": {
      kind: "http",
      path: "apps/user-service",
      build: { bundle: "src/main.ts" },
      replicas: 1,
      memory: "256Mi",
      env: {
        DATABASE_URL: { from: "postgres" },
        SESSION_SECRET: { secret: "SESSION_SECRET" },
      },
    },
    "expense-service": {
      kind: "http",
      path: "apps/expense-service",
      build: { bundle: "src/main.ts" },
      replicas: 2,
      memory: "256Mi",
      env: {
        DATABASE_URL: { from: "postgres" },
        SESSION_SECRET: { secret: "SESSION_SECRET" },
      },
    },
    "api-gateway": {
      kind: "http",
      path: "apps/api-gateway",
      build: { bundle: "src/main.ts", entries: { smoke: "src/smoke.ts" } },
      replicas: 1,
      memory: "256Mi",
      dependsOn: ["user-service", "expense-service"],
      ingress: { path: "/api" },
      env: {
        USER_SERVICE_URL: { from: "user-service" },
        EXPENSE_SERVICE_URL: { from: "expense-service" },
        SESSION_SECRET: { secret: "SESSION_SECRET" },
      },
    },
    web: {
      kind: "static",
      path: "apps/web",
      build: { command: "npm run build", output: "dist" },
      dependsOn: ["api-gateway"],
      ingress: { path: "/" },
      env: { API_URL: "/api" },
    },
  },
  jobs: {
    smoke: { service: "api-gateway", command: "node smoke.js", within: "1m" },
  },
  environments: {
    local: {
      strategy: "recreate",
      backing: { postgres: {} },
      secrets: { envFile: ".env.local" },
      bake: "0s",
    },
    development: {
      strategy: "rolling",
      backing: { postgres: {} },
      secrets: { envFile: ".env.local" },
    },
    staging: {
      after: "development",
      strategy: "blueGreen",
      jobs: { after: ["smoke"] },
      backing: { postgres: {} },
      secrets: { envFile: ".env.staging" },
    },
    production: {
      after: "staging",
      strategy: "canary",
      jobs: { after: ["smoke"] },
      services: { "expense-service": { replicas: 2 } },
      checks: { errorRateMax: "5%", latency: { p99: "3s" } },
      backing: { postgres: { tier: "medium", multiAz: true } },
      secrets: { envFile: ".env.production" },
      bake: "10m",
    },
  },
});
