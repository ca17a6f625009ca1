import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { orderOf, type Repository } from "../../domain/build.ts";
import { embeddedPostgres } from "../../testing/postgres.ts";
import type { Builds } from "./builds.ts";
import { openStore, type Store } from "./store.ts";

const server = embeddedPostgres();
const opened: Store[] = [];
let workspaces = 0;

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

/** Two control planes over one database, with nothing in the queue yet. */
async function queues(): Promise<readonly [Builds, Builds]> {
  const workspace = `builds-${++workspaces}`;
  const stores = [
    await openStore({ url: server().url, workspace }),
    await openStore({ url: server().url, workspace }),
  ] as const;
  opened.push(...stores);
  return [stores[0].builds, stores[1].builds];
}

const shop: Repository = {
  name: "shop",
  url: "https://git.example.com/shop.git",
  tasks: ["test"],
  affected: true,
  branches: ["main"],
  trusted: ["main"],
  labels: ["linux"],
};
const order = orderOf(shop, "refs/heads/main", { kind: "push", by: "ana" });
const leaseMs = 60_000;
const text = (words: string) => new TextEncoder().encode(words);

test("of runners that race for a build one gets it, and only one that has its labels", async () => {
  const [one, other] = await queues();
  const { id } = await one.request(order);
  expect(await one.claim("mac", ["darwin"], leaseMs)).toBeUndefined();
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? one : other).claim(`linux-${n}`, ["linux", "gpu"], leaseMs)),
  );
  expect(claims.filter((claim) => claim !== undefined)).toMatchObject([{ id, attempt: 1, state: "running" }]);
});

test("a build whose runner was lost goes to the next one, and what the first says then is not heard", async () => {
  const [queue] = await queues();
  const { id } = await queue.request(order);
  await queue.claim("first", ["linux"], 1);
  await sleep(20);
  expect(await queue.claim("second", ["linux"], leaseMs)).toMatchObject({ id, attempt: 2, runner: "second" });
  const first = { id, attempt: 1, runner: "first" };
  expect(await queue.beat(first, leaseMs)).toBeUndefined();
  expect(await queue.log(first, 0, text("late"))).toBeUndefined();
  expect(await queue.end(first, "failed")).toBe(false);
  expect(await queue.end({ ...first, attempt: 2 }, "failed"), "another's attempt").toBe(false);
  expect(await queue.end({ id, attempt: 2, runner: "second" }, "succeeded")).toBe(true);
  expect(await queue.get(id)).toMatchObject({ state: "succeeded", attempt: 2 });
});

test("a build that loses its runner three times fails; one that is cancelled meanwhile is cancelled", async () => {
  const [queue] = await queues();
  const [lost, stopped] = [await queue.request(order), await queue.request({ ...order, ref: "refs/heads/x" })];
  for (let attempt = 1; attempt <= 3; attempt++) {
    expect(await queue.claim("short", ["linux"], 1)).toMatchObject({ id: lost.id, attempt });
    await sleep(20);
  }
  expect(await queue.claim("short", ["linux"], 1)).toMatchObject({ id: stopped.id });
  expect(await queue.get(lost.id)).toMatchObject({ state: "failed", because: "its runner was lost 3 times" });
  await sleep(20);
  expect(await queue.cancel(stopped.id, "ana")).toMatchObject({ state: "cancelled", because: "cancelled by ana" });
  expect(await queue.claim("next", ["linux"], leaseMs)).toBeUndefined();
});

test("time in which no control plane was there costs no runner its build", async () => {
  const [queue] = await queues();
  const { id } = await queue.request(order);
  await queue.claim("first", ["linux"], 1);
  await sleep(20);
  await queue.renewAll(leaseMs);
  expect(await queue.claim("second", ["linux"], leaseMs)).toBeUndefined();
  expect(await queue.beat({ id, attempt: 1, runner: "first" }, leaseMs)).toEqual({ isCancelled: false });
});

test("a log is kept at exact places, read from any byte over all attempts, and goes when it is old", async () => {
  const [queue] = await queues();
  const { id } = await queue.request(order);
  await queue.claim("first", ["linux"], 1);
  const held = { id, attempt: 1, runner: "first" };
  expect(await queue.log(held, 0, text("one\n"))).toBe(4);
  expect(await queue.log(held, 0, text("one\n")), "sent again").toBe(4);
  expect(await queue.log(held, 9, text("hole")), "what is between is lacking").toBe(4);
  await sleep(20);
  await queue.claim("second", ["linux"], leaseMs);
  expect(await queue.log({ id, attempt: 2, runner: "second" }, 0, text("two\n"))).toBe(4);
  const read = async (from: number) => Buffer.from(await queue.readLog(id, from)).toString();
  expect(await Promise.all([0, 2, 4, 6, 8].map(read))).toEqual(["one\ntwo\n", "e\ntwo\n", "two\n", "o\n", ""]);
  await queue.end({ id, attempt: 2, runner: "second" }, "succeeded");
  await queue.forgetLogs(leaseMs);
  expect(await read(0)).toBe("one\ntwo\n");
  await queue.forgetLogs(0);
  expect(await read(0)).toBe("");
});

test("a delivery that is told again, also to both at once, is one build; without one each is its own", async () => {
  const [one, other] = await queues();
  const told = await Promise.all([one, other, one, other].map((queue) => queue.request(order, "delivery-1")));
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect((await one.request(order)).id).not.toBe((await other.request(order)).id);
});

test("what was last built well is of the same ref, tasks and trust", async () => {
  const [queue] = await queues();
  const built = async (commit: string, more: object, state: "succeeded" | "failed" = "succeeded") => {
    const { id } = await queue.request({ ...order, commit, ...more });
    await queue.claim("linux-1", ["linux"], leaseMs);
    await queue.end({ id, attempt: 1, runner: "linux-1" }, state);
  };
  expect(await queue.lastGood(order)).toBeUndefined();
  await built("a", {});
  await built("b", {}, "failed");
  await built("c", { ref: "refs/heads/other" });
  await built("d", { tasks: ["lint"] });
  await built("e", { isTrusted: false });
  expect(await queue.lastGood(order)).toBe("a");
});

test("a schedule that is new begins now: what it would have asked for before is not made up for", async () => {
  const [queue] = await queues();
  await queue.putRepository(shop);
  const client = new pg.Client(server().url);
  await client.connect();
  await client.query("update sluice.repositories set scheduled_ms = 5 where workspace = $1", [`builds-${workspaces}`]);
  await client.end();
  await queue.putRepository({ ...shop, tasks: ["lint"] });
  expect(await queue.lastScheduled("shop"), "nothing of the schedule changed").toBe(5);
  await queue.putRepository({ ...shop, schedule: "0 3 * * *" });
  expect(await queue.lastScheduled("shop")).toBeGreaterThan(5);
});
