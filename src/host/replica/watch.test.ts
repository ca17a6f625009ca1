// Startup, readiness and liveness against a real server whose answers are switched.
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Probe } from "../api.ts";
import { listening, portOf } from "../router/test-bench.ts";
import { Watch, type WatchOptions } from "./watch.ts";

const answers = new Map<string, number>();
const asked: string[] = [];
const told: string[] = [];
let server: Server;
let watch: Watch | undefined;

beforeEach(async () => {
  for (const list of [asked, told]) list.length = 0;
  answers.clear();
  server = await listening(
    createServer((request, response) => {
      asked.push(request.url ?? "");
      response.statusCode = answers.get(request.url ?? "") ?? 200;
      response.end();
    }),
  );
});
afterEach(() => {
  watch?.stop();
  server.close();
});

const http = (path: string, more: Partial<Probe> = {}): Probe => ({
  kind: "http",
  path,
  intervalMs: 20,
  timeoutMs: 1_000,
  healthyThreshold: 1,
  unhealthyThreshold: 3,
  ...more,
});

function begin(spec: WatchOptions["spec"]): void {
  const options: WatchOptions = {
    spec,
    target: { port: portOf(server), folder: process.cwd(), env: {} },
    onVerdict: (isReady) => told.at(-1) !== `${isReady}` && told.push(`${isReady}`),
    onAnswer: () => {},
    onDead: (because) => {
      told.push(because);
      watch?.stop();
    },
  };
  watch = new Watch(options, { isStarting: true });
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((next) => setTimeout(next, 10));
  expect(isSo(), JSON.stringify({ told, asked: asked.slice(-5) })).toBe(true);
}

test("until startup has succeeded neither readiness nor liveness is asked", async () => {
  answers.set("/started", 503).set("/live", 500);
  begin({ startup: http("/started"), readiness: http("/ready"), liveness: http("/live") });
  await until(() => asked.length > 4);
  expect(new Set(asked)).toEqual(new Set(["/started"]));
  answers.set("/started", 200).set("/live", 200);
  await until(() => told.includes("true") && asked.includes("/live"));
  expect(asked.lastIndexOf("/started")).toBeLessThan(asked.indexOf("/ready"));
});

test("a failing liveness is its death; a failing readiness only costs it its traffic", async () => {
  begin({ readiness: http("/ready"), liveness: http("/live") });
  await until(() => told.includes("true"));
  answers.set("/ready", 503);
  await until(() => told.includes("false"));
  answers.set("/live", 500);
  await until(() => told.length === 3);
  expect(told).toEqual(["true", "false", "not alive (GET /live answered 500, 3 times in a row)"]);
});

test("without a startup probe liveness waits for the first readiness", async () => {
  answers.set("/ready", 503).set("/live", 500);
  begin({ readiness: http("/ready"), liveness: http("/live", { unhealthyThreshold: 1 }) });
  await until(() => asked.length > 4);
  expect([asked.includes("/live"), told]).toEqual([false, ["false"]]);
  answers.set("/ready", 200);
  await until(() => told.some((what) => what.startsWith("not alive")));
});

test("a port that accepts and a command that ends well are answers, too", async () => {
  const port = portOf(server);
  begin({
    startup: http("/", { kind: "tcp" }),
    readiness: http("/", { kind: "command", command: ["sh", "-c", `test "$PORT" = ${port}`] }),
  });
  await until(() => told.includes("true"));
  expect(asked).toEqual([]);
});
