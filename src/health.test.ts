// The endpoint over real sockets, and as its reader (`sluice health`) understands it.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { build } from "esbuild";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { parseHealth } from "./domain/health.ts";
import { circuitBreaker, createHealth, type HealthOptions, memoryBelow } from "./health.ts";
import { listening, portOf } from "./host/router/test-bench.ts";

const healthOf = (checks: HealthOptions["checks"], more: Partial<HealthOptions> = {}) =>
  createHealth({ checks, endsOnSigterm: false, ...more });

test("a part that fails makes it unhealthy, one that is not vital degraded, and a reader sees each", async () => {
  const cache = { check: () => false, isVital: false };
  const database = () => {
    throw new Error("connection refused");
  };
  const degraded = await healthOf({ database: () => {}, cache }).response();
  expect([degraded.status, parseHealth(await degraded.text(), true)]).toMatchObject([200, { status: "degraded" }]);
  const down = await healthOf({ database, cache }).response();
  expect(down.status).toBe(503);
  expect(parseHealth(await down.text(), false)).toEqual({
    status: "unhealthy",
    parts: [
      { name: "database", status: "unhealthy", note: "connection refused" },
      { name: "cache", status: "unhealthy", note: "0 ms" },
    ],
  });
});

test("a check that does not answer in time has failed, and holds nobody up", async () => {
  const { status, checks } = await healthOf({ slow: () => new Promise(() => {}) }, { timeoutMs: 20 }).answer();
  expect([status, checks.slow?.message]).toEqual(["unhealthy", "no answer within 20 ms"]);
});

test("who asks at the same time shares one look", async () => {
  let looks = 0;
  const health = healthOf({ database: () => void looks++ }, { cachedMs: 60_000 });
  await Promise.all([health.answer(), health.answer()]);
  await health.answer();
  expect(looks).toBe(1);
});

test("memory and circuit breakers are parts, too", async () => {
  let state = "CLOSED";
  const checks = { memory: memoryBelow(1), roomy: memoryBelow(1e6), payments: circuitBreaker(() => state) };
  const health = healthOf(checks, { cachedMs: -1 });
  expect((await health.answer()).checks).toMatchObject({
    memory: { status: "degraded" },
    roomy: { status: "healthy" },
    payments: { status: "healthy", message: "the circuit is closed" },
  });
  state = "OPEN";
  expect(await health.answer()).toMatchObject({ status: "degraded", checks: { payments: { status: "unhealthy" } } });
});

test("it is served by node:http and by Hono", async () => {
  const health = healthOf({ database: () => true }, { about: { version: "7" } });
  const server = await listening(createServer(health.node));
  const overNode = await fetch(`http://127.0.0.1:${portOf(server)}/health`);
  const overHono = await new Hono().get("/health", () => health.response()).request("/health");
  server.close();
  for (const answer of [overNode, overHono])
    expect([answer.status, await answer.json()]).toMatchObject([200, { version: "7", status: "healthy" }]);
});

test("once it ends the answer is 503, whatever the parts say", async () => {
  const health = healthOf({});
  health.end();
  expect((await health.response()).status).toBe(503);
});

test("SIGTERM turns it to 503 while the service finishes, and still ends one that does not listen for it", async () => {
  const { outputFiles } = await build({
    stdin: {
      resolveDir: import.meta.dirname,
      contents: `import { createHealth } from "./health.ts";
        const health = createHealth({ checks: {} });
        setInterval(() => {}, 1000);
        if (process.argv.includes("listens"))
          process.on("SIGTERM", async () => { console.log((await health.response()).status); process.exit(7); });
        console.log("there");`,
    },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
  });
  const ended = (...args: readonly string[]) =>
    new Promise((done) => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", outputFiles[0]?.text ?? "", ...args]);
      let text = "";
      child.stdout.on("data", (part) => {
        text += part;
        if (text === "there\n") child.kill("SIGTERM");
      });
      child.once("close", (code, signal) => done([text.trim().split("\n").at(-1), code ?? signal]));
    });
  expect(await ended("listens")).toEqual(["503", 7]);
  expect(await ended()).toEqual(["there", "SIGTERM"]);
});
