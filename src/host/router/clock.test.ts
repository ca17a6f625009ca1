// The machine's clock is set while requests are under way: nobody's patience is over sooner or later for it.
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ask, closeAll, one, replica, routerWith, until } from "./test-bench.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(async () => {
  vi.useRealTimers();
  await closeAll();
});

const hourMs = 3_600_000;
const sweeps = () => new Promise((resolve) => setTimeout(resolve, 600));

test.each([hourMs, -hourMs])(
  "requests in flight and requests that are held outlast a clock set by %i ms",
  async (byMs) => {
    const held: ServerResponse[] = [];
    const { port: v1 } = await replica((_, response) => void held.push(response));
    const { port, put, router } = await routerWith({ revisions: { v1: one(100, v1) } });
    const inFlight = ask(port);
    await until(() => held.length === 1);
    put({ revisions: { v1: { weight: 100, replicas: [] } } });
    const buffered = ask(port, { method: "POST", body: "x" });
    await until(() => router.seen().services["test/web"]?.buffered === 1);
    vi.setSystemTime(Date.now() + byMs);
    await sweeps();
    put({ revisions: { v1: one(100, v1) } });
    await until(() => held.length === 2);
    for (const response of held) response.end("served");
    expect([(await inFlight).body, (await buffered).body]).toEqual(["served", "served"]);
  },
);

test("counting goes on after the clock was set back", async () => {
  const { port: v1 } = await replica((_, response) => response.end());
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  await ask(port);
  vi.setSystemTime(Date.now() - hourMs);
  const from = Date.now();
  await sweeps();
  await ask(port);
  vi.setSystemTime(Date.now() + 1_000);
  const intervals = router.intervals({ service: "test/web", sinceMs: 0 }) ?? [];
  expect(intervals.every(({ startMs }) => startMs >= from - 1_000 && startMs <= Date.now())).toBe(true);
  expect(intervals.flatMap(({ revisions }) => revisions.v1?.replicas.r1?.requests ?? [])).toEqual([1]);
});
