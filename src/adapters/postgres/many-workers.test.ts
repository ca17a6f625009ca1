// Any number of workers on one PostgreSQL: fair between environments, and no more questions than there is news. Questions
// are counted on the wire, by a proxy that reads the frontend's side of the protocol.
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { embeddedPostgres, requestedFact } from "../../testing/postgres.ts";
import { openStore, type Store } from "./store.ts";

const server = embeddedPostgres();
const opened: Store[] = [];
const stopping: AbortController[] = [];
let proxy: Server;
let questions = 0;
let names = 0;

beforeAll(async () => {
  const { hostname, port } = new URL(server().url);
  proxy = createServer((client) => {
    const database = connect(Number(port), hostname);
    const read = questionsIn();
    client.on("data", (bytes) => {
      questions += read(bytes);
    });
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const)
      one.pipe(other).on("error", () => one.destroy());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
});
afterEach(async () => {
  for (const one of stopping.splice(0)) one.abort();
  for (const store of opened.splice(0)) await store.close();
});
afterAll(() => {
  proxy.close();
});

/** Counts Query and Execute messages; the first message of a connection has no type. */
function questionsIn(): (bytes: Buffer) => number {
  let rest = Buffer.alloc(0);
  let isStarted = false;
  return (bytes) => {
    let found = 0;
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const typeBytes = isStarted ? 1 : 0;
      if (rest.length < typeBytes + 4) return found;
      const end = typeBytes + rest.readInt32BE(typeBytes);
      if (rest.length < end) return found;
      if (isStarted && "QE".includes(String.fromCharCode(rest[0] ?? 0))) found += 1;
      isStarted = true;
      rest = rest.subarray(end);
    }
  };
}

/** A process of its own, as far as the database can tell. */
async function process(workspace: string, isCounted = false): Promise<Store> {
  const url = new URL(server().url);
  if (isCounted) url.port = String((proxy.address() as { port: number }).port);
  const store = await openStore({ url: url.href, workspace });
  opened.push(store);
  return store;
}

function id(name: string): string {
  return `${name}-${++names}`;
}

/** So many workers of one process, each asking and sleeping as the control plane's do; told what each has claimed. */
function workersOf(store: Store, count: number, claimed: (deployment: string) => void): void {
  const process = id("process");
  const stop = new AbortController();
  stopping.push(stop);
  for (let i = 0; i < count; i++) {
    void (async () => {
      while (!stop.signal.aborted) {
        const claim = await store.claims.claim(`${process}/${i}`, 60_000);
        if (claim === undefined) await store.waitForWork(60_000, stop.signal);
        else {
          claimed(claim.deployment);
          await store.claims.release(claim, undefined);
        }
      }
    })().catch(() => {}); // the store was closed under it
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1500 && !isSo(); i++) await sleep(20);
  expect(isSo()).toBe(true);
}

/** Until nobody has asked anything for half a second. */
async function quiet(): Promise<void> {
  for (let before = -1; before !== questions; await sleep(500)) before = questions;
}

test("an environment with fifty requests waits its turn like those with one", async () => {
  const workspace = id("fair");
  const store = await process(workspace);
  for (let i = 0; i < 50; i++) await store.journal.append(id("busy"), 0, requestedFact("busy"));
  for (const environment of ["a", "b", "c"]) await store.journal.append(id(environment), 0, requestedFact(environment));
  const first = await Promise.all(["w1", "w2", "w3", "w4", "w5"].map((worker) => store.claims.claim(worker, 60_000)));
  const environments = first.flatMap((claim) => claim?.deployment.split("-")[0] ?? []);
  expect(environments.toSorted()).toEqual(["a", "b", "busy", "c"]);
});

test("what is due again at once goes behind those that have waited longer", async () => {
  const store = await process(id("round"));
  const all = Array.from({ length: 6 }, (_, i) => id(`env${i}`));
  for (const name of all) await store.journal.append(name, 0, requestedFact(name));
  const turns: string[] = [];
  for (let i = 0; i < 30; i++) {
    const claim = await store.claims.claim("worker", 60_000);
    if (claim === undefined) throw new Error("one of them is always due");
    turns.push(claim.deployment);
    await store.claims.release(claim, 0);
  }
  expect(turns).toEqual(Array.from({ length: 5 }, () => all).flat());
});

test("two processes that compete leave no environment behind", async () => {
  const workspace = id("compete");
  const [one, two] = [await process(workspace), await process(workspace)];
  const turns = new Map<string, number>();
  const all = Array.from({ length: 6 }, (_, i) => id(`env${i}`));
  for (const name of all) await one.journal.append(name, 0, requestedFact(name));
  const works = async ({ claims, waitForWork }: Store, worker: string) => {
    while ([...turns.values()].reduce((sum, one) => sum + one, 0) < 120) {
      const claim = await claims.claim(worker, 60_000);
      if (claim === undefined) await waitForWork(1000);
      else {
        turns.set(claim.deployment, (turns.get(claim.deployment) ?? 0) + 1);
        await claims.release(claim, 0);
      }
    }
  };
  await Promise.all([works(one, "a"), works(one, "b"), works(two, "c"), works(two, "d")]);
  expect([...turns.keys()].toSorted()).toEqual(all.toSorted());
  expect(Math.min(...turns.values())).toBeGreaterThanOrEqual(10); // of 20
});

test("sixty-four workers with nothing to do ask nothing", async () => {
  const workspace = id("idle");
  for (const store of [await process(workspace, true), await process(workspace, true)]) workersOf(store, 32, () => {});
  await quiet();
  const before = questions;
  await sleep(2000);
  expect(questions - before).toBe(0);
});

test("one request wakes sixty-four workers and makes a handful of questions, and one of them takes it", async () => {
  const workspace = id("herd");
  const claimed: string[] = [];
  for (const store of [await process(workspace, true), await process(workspace, true)])
    workersOf(store, 32, (name) => claimed.push(name));
  await quiet();
  const before = questions;
  const name = id("news");
  await (await process(workspace)).journal.append(name, 0, requestedFact("production"));
  await until(() => claimed.length > 0);
  await quiet();
  expect(claimed).toEqual([name]);
  expect(questions - before).toBeLessThanOrEqual(16);
});

test("two hundred requests at once are taken once each, with a handful of questions for each", async () => {
  const workspace = id("rush");
  const claimed: string[] = [];
  for (const store of [await process(workspace, true), await process(workspace, true)])
    workersOf(store, 32, (name) => claimed.push(name));
  await quiet();
  const before = questions;
  const writer = await process(workspace);
  const all = Array.from({ length: 200 }, () => id("rush"));
  await Promise.all(all.map((name) => writer.journal.append(name, 0, requestedFact(name))));
  await until(() => claimed.length >= 200);
  await quiet();
  expect(claimed.toSorted()).toEqual(all.toSorted());
  expect(questions - before).toBeLessThanOrEqual(8 * 200);
});
