// The frame of every service, over real sockets: faults spare /health, and a stop cuts nobody off.
import { Hono } from "hono";
import { afterEach, expect, test } from "vitest";
import { readEnvironment, ServiceEnvironment } from "./environment.ts";
import { isHit } from "./faults.ts";
import { type Service, startService } from "./service.ts";

const started: Service[] = [];
afterEach(async () => {
  for (const service of started.splice(0)) await service.stop();
});

async function start(env: Record<string, string>, routes = new Hono().get("/things", (c) => c.text("things"))) {
  const environment = readEnvironment(ServiceEnvironment, { PORT: "0", ...env });
  const close = async () => {};
  const service = await startService({ name: "test", environment, log: () => {}, routes, checks: {}, close });
  started.push(service);
  return { service, ask: (path: string) => fetch(`http://127.0.0.1:${service.port}${path}`) };
}

test("a release that fails every request still looks healthy", async () => {
  const { ask } = await start({ FAULT_ERROR_SHARE: "1" });
  expect([(await ask("/things")).status, (await ask("/health")).status]).toEqual([500, 200]);
});

test("a release that is never ready says so, and why", async () => {
  const { ask } = await start({ FAULT_NEVER_READY: "1" });
  const answer = await ask("/health");
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ status: "unhealthy", checks: { application: { status: "unhealthy" } } });
});

test("a fault can be limited to a route", () => {
  expect(isHit("PUT /expenses", "PUT", "/expenses/1")).toBe(true);
  expect(isHit("PUT /expenses", "GET", "/expenses/1")).toBe(false);
  expect(isHit("/expenses", "GET", "/expenses-of-others")).toBe(false);
});

test("what is wrong with the environment is told at once", () => {
  const read = () => readEnvironment(ServiceEnvironment, { PORT: "http", FAULT_ERROR_SHARE: "2" });
  expect(read).toThrowErrorMatchingInlineSnapshot(
    `[Error: The environment of this service is not usable: FAULT_ERROR_SHARE: must be a number from 0 to 1; PORT: must be a number from 0 to 65535]`,
  );
});

test("a stop lets the request in flight finish and takes no other", async () => {
  let release = () => {};
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const routes = new Hono().get("/slow", async (c) => {
    arrive();
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return c.text("whole");
  });
  const { service, ask } = await start({}, routes);
  started.pop();
  const answer = ask("/slow");
  await arrived;
  const stopped = service.stop();
  await expect(ask("/slow")).rejects.toThrow();
  release();
  expect(await (await answer).text()).toBe("whole");
  await stopped;
});
