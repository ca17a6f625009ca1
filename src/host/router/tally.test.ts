// The counts that the judge decides on: exact, aligned, few classes.
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { nativeBuckets } from "../../domain/evidence.ts";
import { Replica } from "./replica.ts";
import { Revision } from "./revision.ts";
import { classOf, RouteClasses } from "./route-class.ts";
import { bucketOf, Tally } from "./tally.ts";
import { ask, closeAll, one, replica, routerWith, until } from "./test-bench.ts";

afterEach(closeAll);

test("a latency falls into the bucket whose edges enclose it; what is shorter or longer into the first or last", () => {
  const edges = nativeBuckets.log2Edges;
  for (let b = 0; b < edges.length - 1; b++) {
    const middleMs = 2 ** (((edges[b] ?? 0) + (edges[b + 1] ?? 0)) / 2);
    expect(bucketOf(Math.log(middleMs))).toBe(b);
  }
  expect([bucketOf(Math.log(0.01)), bucketOf(Math.log(1e9))]).toEqual([0, edges.length - 2]);
});

test("intervals are closed at multiples of their length, and only closed ones are read", () => {
  const tally = new Tally(10_000);
  const outcome = { revision: "v1", replica: "r1", routeClass: "GET /", isError: false, latencyMs: Math.E };
  tally.record(outcome);
  tally.turn(14_999);
  expect(tally.intervals(0)).toEqual([]);
  tally.record({ ...outcome, isError: true });
  tally.turn(15_001);
  const [interval, ...others] = tally.intervals(0);
  expect(others).toEqual([]);
  expect(interval).toMatchObject({ startMs: 10_000, endMs: 15_000 });
  expect(interval?.revisions.v1?.replicas.r1).toEqual({
    requests: 2,
    errors: 1,
    logLatencySum: 1,
    logLatencySquareSum: 1,
    latency: [...Array(7).fill(0), 1],
  });
  tally.turn(15_001 + 16 * 60_000);
  expect(tally.intervals(0).some((i) => i.startMs === 10_000)).toBe(false);
});

test("identifiers in a path do not make classes", () => {
  const paths = [
    "/orders/4711",
    "/orders/0af76519-16cd-43dd-8448-eb211c80319c",
    "/orders/b7ad6b7169203331",
    "/orders/01J9ZK3V8Q4T5W6X7Y8Z9A0B1C",
  ];
  expect(new Set(paths.map((p) => classOf("GET", p)))).toEqual(new Set(["GET /orders/:id"]));
  expect(classOf("POST", "/orders/cancellations")).toBe("POST /orders/cancellations");
});

test("a service's own routes are its classes, the more exact before the more open; what they leave out is guessed", () => {
  const classes = new RouteClasses();
  classes.know(["GET /orders/{id}", "GET /orders/mine", "POST /orders", "GET /users/{user}/orders/{id}"]);
  expect(classes.of("GET", "/orders/abc")).toBe("GET /orders/{id}");
  expect(classes.of("GET", "/orders/mine")).toBe("GET /orders/mine");
  expect(classes.of("POST", "/orders")).toBe("POST /orders");
  expect(classes.of("GET", "/users/anna/orders/7")).toBe("GET /users/{user}/orders/{id}");
  expect(classes.of("GET", "/invoices/7")).toBe("GET /invoices/:id");
  classes.know([]);
  expect(classes.of("GET", "/orders/abc")).toBe("GET /orders/abc");
});

test("at most twenty classes have a name, the busiest", () => {
  const classes = new RouteClasses();
  const words = Array.from({ length: 40 }, (_, i) => `/${String.fromCharCode(97 + (i % 26))}${i < 26 ? "x" : "y"}`);
  for (const word of words) classes.of("GET", word);
  for (let i = 0; i < 50; i++) classes.of("GET", "/latecomer");
  classes.rank();
  const names = new Set([...words, "/latecomer"].map((word) => classes.of("GET", word)));
  expect(names).toContain("GET /latecomer");
  expect(names).toContain("other");
  expect(names.size).toBe(21);
});

test("every request is counted once, however many come together", async () => {
  const { port: v1 } = await replica((request, response) => {
    response.statusCode = request.url === "/7" ? 500 : 200;
    response.end();
  });
  const { port: v2 } = await replica((_, response) => response.end());
  const { port, router } = await routerWith({ revisions: { v1: one(70, v1), v2: one(30, v2, "r2") } });
  await Promise.all(Array.from({ length: 400 }, () => ask(port)));
  const counted = () =>
    (router.intervals({ service: "test/web", sinceMs: 0 }) ?? []).flatMap((i) => Object.entries(i.revisions));
  const sum = (id: string) =>
    counted()
      .filter(([name]) => name === id)
      .reduce((all, [, r]) => all + Object.values(r.replicas).reduce((n, c) => n + c.requests, 0), 0);
  await until(() => sum("v1") + sum("v2") >= 400);
  expect([sum("v1"), sum("v2")]).toEqual([280, 120]);
});

test("a new replica's share grows from nothing to full", () => {
  const revision = new Revision("v1");
  revision.slowStartMs = 10_000;
  revision.replicas = [new Replica({ id: "old", port: 1 }, -1e6), new Replica({ id: "new", port: 2 }, 0)];
  const share = (nowMs: number): number => {
    let n = 0;
    for (let i = 0; i < 4_000; i++) if (revision.leastLoaded(nowMs, undefined)?.id === "new") n++;
    return n / 4_000;
  };
  expect(share(0)).toBe(0);
  expect(share(5_000)).toBeGreaterThan(0.15);
  expect(share(5_000)).toBeLessThan(0.35);
  expect(share(10_000)).toBeCloseTo(0.5, 1);
});

test("what lasts long on a replica that leaves ends calmly, and faster only if the drain's time asks for it", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const endedAfter = (connections: number, drainSpreadMs: number): number => {
    const replica = new Replica({ id: "r1", port: 1 }, 0);
    let left = connections;
    for (let i = 0; i < connections; i++) replica.lasting.add({ endForDrain: () => void left-- });
    replica.leave(drainSpreadMs);
    replica.endLasting();
    let ms = 0;
    for (; left > 0 && ms < 60_000; ms += 10) vi.advanceTimersByTime(10);
    return ms;
  };
  expect(endedAfter(3, 24_000)).toBeLessThanOrEqual(200);
  expect(endedAfter(100, 24_000)).toBeGreaterThan(4_000);
  expect(endedAfter(100, 1_000)).toBeLessThanOrEqual(1_000);
});
