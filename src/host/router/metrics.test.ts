// What a Prometheus reads of us: text that its own checker finds nothing wrong with.
import { spawnSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { ask, closeAll, one, replica, routerWith, until } from "./test-bench.ts";

afterEach(closeAll);

const promtool = spawnSync("promtool", ["--version"]).error === undefined;

async function traffic(): Promise<string> {
  const { port: v1 } = await replica((request, response) => {
    response.statusCode = request.url === "/broken" ? 500 : 200;
    response.end();
  });
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  for (const path of ["/orders/1", "/orders/2", "/broken", '/q"uo\\te']) await ask(port, { path });
  await until(() => router.metrics().includes("/broken"));
  return router.metrics();
}

test("requests, errors and latency are told by service, revision and route", async () => {
  const text = await traffic();
  const labels = 'service="test/web",revision="v1",route=';
  expect(text).toContain(`sluice_requests_total{${labels}"GET /orders/:id"} 2\n`);
  expect(text).toContain(`sluice_errors_total{${labels}"GET /broken"} 1\n`);
  expect(text).toContain(`sluice_latency_seconds_bucket{${labels}"GET /orders/:id",le="+Inf"} 2\n`);
  expect(text).toContain(`sluice_requests_total{${labels}"GET /q\\"uo\\\\te"} 1\n`);
});

test.skipIf(!promtool)("promtool finds nothing to mend (skipped without promtool)", async () => {
  const checked = spawnSync("promtool", ["check", "metrics"], { input: await traffic(), encoding: "utf8" });
  expect({ status: checked.status, said: checked.stdout + checked.stderr }).toEqual({ status: 0, said: "" });
});
