import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { firstBreak } from "../../domain/chain.ts";
import type { Event, Fact } from "../../domain/event.ts";
import { fold } from "../../domain/run.ts";
import { embeddedPostgres, plannedFact, requestedFact } from "../../testing/postgres.ts";
import { openStore, type Store } from "./store.ts";

const server = embeddedPostgres();
const opened: Store[] = [];
let names = 0;

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

/** Each call is a pool of its own, as another process would have; as two control planes have. */
async function store(workspace = "test"): Promise<Store> {
  const one = await openStore({ url: server().url, workspace });
  opened.push(one);
  return one;
}

function id(name: string): string {
  return `${name}-${++names}`;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const paused: Fact = { kind: "paused", by: "Ana" };

/** Nothing of an earlier test is due or held. */
async function drained(from: Store): Promise<void> {
  await from.endLeases();
  for (let claim = await from.claims.claim("sweep", 1000); claim; claim = await from.claims.claim("sweep", 1000))
    await from.claims.release(claim, undefined);
}

test("several processes that come first at once make the tables once and agree on the journal's id", async () => {
  const stores = await Promise.all(Array.from({ length: 4 }, () => store()));
  expect(new Set(stores.map((one) => one.journal.id)).size).toBe(1);
});

test("a fact is written at exactly the next position or not at all", async () => {
  const { journal } = await store();
  const name = id("d");
  expect(await journal.append(name, 1, paused)).toBeUndefined();
  const first = await journal.append(name, 0, requestedFact("production"));
  expect(first).toMatchObject({ deployment: name, position: 0, previous: "", fact: requestedFact("production") });
  expect(await journal.append(name, 0, requestedFact("production"))).toBeUndefined();
  expect(await journal.append(name, 2, paused)).toBeUndefined();
  expect(await journal.append(name, 1, paused)).toMatchObject({ position: 1, previous: first?.hash });
  expect(fold(await journal.read(name))?.position).toBe(2);
  expect((await journal.read(name, 1)).map((event) => event.fact)).toEqual([paused]);
});

test("of many who race for each position exactly one writes it, and the stream is an unbroken chain", async () => {
  const name = id("race");
  const racers = await Promise.all(Array.from({ length: 4 }, () => store()));
  await racers[0]!.journal.append(name, 0, requestedFact("race"));
  const won = await Promise.all(
    racers.map(async ({ journal }, racer) => {
      let mine = 0;
      for (let position = 1; position <= 40; position++) {
        const note = { kind: "paused", by: `racer ${racer}` } as const;
        if ((await journal.append(name, position, note)) !== undefined) mine++;
        else while ((await journal.read(name, position)).length === 0) await sleep(1);
      }
      return mine;
    }),
  );
  const events = await racers[0]!.journal.read(name);
  expect(won.reduce((sum, mine) => sum + mine)).toBe(40);
  expect(events.map((event) => event.position)).toEqual(Array.from({ length: 41 }, (_, i) => i));
  expect(firstBreak(events, sha256)).toBeUndefined();
});

test("a fact that was changed, removed or put in later is found by the chain", async () => {
  const { journal } = await store();
  const name = id("chain");
  await journal.append(name, 0, requestedFact("chain"));
  await journal.append(name, 1, { kind: "paused", by: "Ana", reason: 'ünïcode "quoted" \u0000 \\ 1e21' });
  await journal.append(name, 2, { kind: "unpaused", by: "Ana" });
  expect(firstBreak(await journal.read(name), sha256)).toBeUndefined();
  const client = new pg.Client({ connectionString: server().url });
  await client.connect();
  await client.query("update sluice.events set fact = $2 where deployment = $1 and position = 1", [
    name,
    { kind: "paused", by: "Eve" },
  ]);
  expect(firstBreak(await journal.read(name), sha256)).toEqual({
    position: 1,
    because: "event 1 was changed after it was written",
  });
  await client.query("delete from sluice.events where deployment = $1 and position = 1", [name]);
  expect(firstBreak(await journal.read(name), sha256)).toMatchObject({ because: "event 1 is missing" });
  await client.end();
});

test("a reader under concurrent appends, and beside a long transaction of another database, never skips a fact", async () => {
  const [reader, ...writers] = await Promise.all(Array.from({ length: 5 }, () => store()));
  const other = new pg.Client({ connectionString: server().url.replace(/\/sluice$/, "/postgres") });
  await other.connect();
  await other.query("begin; create table long_lived (); ");
  const start = await reader!.feed.head();
  const wanted = 4 * 60;
  const writing = Promise.all(
    writers.map(async ({ journal }, writer) => {
      const name = id(`w${writer}`);
      await journal.append(name, 0, requestedFact(`env-${writer}`));
      for (let position = 1; position < 60; position++) await journal.append(name, position, paused);
    }),
  );
  const seen: Event[] = [];
  const signal = AbortSignal.timeout(30_000);
  while (seen.length < wanted && !signal.aborted) {
    await reader!.feed.changed(seen.at(-1)?.seq ?? start, signal);
    seen.push(...(await reader!.feed.after(seen.at(-1)?.seq ?? start)));
  }
  await writing;
  await other.query("rollback");
  await other.end();
  expect(seen.length).toBe(wanted);
  expect(new Set(seen.map((event) => event.seq)).size).toBe(wanted);
});

test("racing workers never hold the same deployment, and each is driven", async () => {
  const workers = await Promise.all(Array.from({ length: 4 }, () => store()));
  await drained(workers[0]!);
  const names = Array.from({ length: 12 }, (_, i) => id(`c${i}`));
  for (const name of names) await workers[0]!.journal.append(name, 0, requestedFact(`env-${name}`));
  const held = new Set<string>();
  const driven = new Map<string, number>();
  await Promise.all(
    workers.map(async ({ claims }, i) => {
      for (let claim = await claims.claim(`w${i}`, 10_000); claim; claim = await claims.claim(`w${i}`, 10_000)) {
        expect(held.has(claim.deployment)).toBe(false);
        held.add(claim.deployment);
        driven.set(claim.deployment, (driven.get(claim.deployment) ?? 0) + 1);
        await sleep(2);
        held.delete(claim.deployment);
        await claims.release(claim, (driven.get(claim.deployment) ?? 0) < 3 ? 0 : undefined);
      }
    }),
  );
  expect(Object.fromEntries(driven)).toEqual(Object.fromEntries(names.map((name) => [name, 3])));
});

test("a lease that ran out goes to another worker with the gap, and the first one's renewal and release do nothing", async () => {
  const [one, two] = [await store(), await store()];
  await drained(one);
  const name = id("lease");
  await one.journal.append(name, 0, requestedFact(name));
  const first = await one.claims.claim("one", 300);
  expect(first).toMatchObject({ deployment: name, gapMs: 0 });
  expect(await one.claims.renew(first!, 300)).toBe(true);
  expect(await two.claims.claim("two", 5000)).toBeUndefined();
  await sleep(400);
  const second = await two.claims.claim("two", 300);
  expect(second?.gapMs).toBeGreaterThanOrEqual(350);
  expect(second?.token).toBeGreaterThan(first!.token);
  expect(await one.claims.renew(first!, 300)).toBe(false);
  await one.claims.release(first!, undefined);
  expect(await two.claims.renew(second!, 300)).toBe(true);
});

test("two workspaces on one database neither drive nor see each other's deployments, and keep environments apart", async () => {
  const [ours, theirs] = [await store(), await store("theirs")];
  await drained(ours);
  const [name, head] = [id("ours"), await theirs.feed.head()];
  await ours.journal.append(name, 0, requestedFact("shared"));
  expect(await theirs.claims.claim("w", 1000)).toBeUndefined();
  expect(await theirs.feed.after(head)).toEqual([]);
  const other = id("theirs");
  await theirs.journal.append(other, 0, requestedFact("shared"));
  expect(await theirs.environments.standing("shared", other)).toMatchObject({ turn: true });
  await drained(ours);
  await drained(theirs);
});

test("a worker that lost sight of its claim takes it up again at once", async () => {
  const one = await store();
  await drained(one);
  const name = id("own");
  await one.journal.append(name, 0, requestedFact(name));
  const first = await one.claims.claim("one", 60_000);
  expect(await one.claims.claim("two", 60_000)).toBeUndefined();
  const again = await one.claims.claim("one", 60_000);
  expect(again).toMatchObject({ deployment: name, gapMs: 0 });
  expect(await one.claims.renew(first!, 60_000)).toBe(false);
  await one.claims.release(again!, undefined);
});

test("what a killed control plane held is free at once for the one that took its place", async () => {
  const [killed, next] = [await store(), await store()];
  await drained(next);
  const name = id("held");
  await killed.journal.append(name, 0, requestedFact(name));
  const claim = await killed.claims.claim("killed", 60_000);
  await next.endLeases();
  const taken = await next.claims.claim("next", 60_000);
  expect(taken).toMatchObject({ deployment: name });
  expect(await killed.claims.renew(claim!, 60_000)).toBe(false);
  await next.claims.release(taken!, undefined);
});

test("time in which every worker was away counts as a gap, though the claim had been given back", async () => {
  const one = await store();
  await drained(one);
  await one.journal.append(id("away"), 0, requestedFact(id("env")));
  await one.claims.release((await one.claims.claim("one", 100))!, 10);
  await sleep(250);
  const late = await one.claims.claim("one", 100);
  expect(late?.gapMs).toBeGreaterThan(200);
  await one.claims.release(late!, undefined);
});

test("a lease that ran out cannot be given back as looked at: whoever comes next learns of the gap", async () => {
  const one = await store();
  await drained(one);
  await one.journal.append(id("asleep"), 0, requestedFact(id("env")));
  const claim = await one.claims.claim("one", 100);
  await sleep(250);
  await one.claims.release(claim!, 0);
  const next = await one.claims.claim("one", 100);
  expect(next?.gapMs).toBeGreaterThan(200);
  await one.claims.release(next!, undefined);
});

test("when the database's clock was put back by an hour, nothing waits for the hour to come again", async () => {
  const one = await store();
  await drained(one);
  const name = id("hour");
  await one.journal.append(name, 0, requestedFact(id("env")));
  await one.claims.claim("dead", 60_000);
  const client = new pg.Client(server().url);
  await client.connect();
  await client.query(
    `update sluice.deployments set due_at = due_at + interval '1 hour', looked_at = looked_at + interval '1 hour',
     leased_until = leased_until + interval '1 hour' where id = $1`,
    [name],
  );
  await client.end();
  expect(await one.claims.claim("one", 1000)).toBeUndefined();
  await one.forgetFuture();
  const claim = await one.claims.claim("one", 1000);
  expect(claim).toMatchObject({ deployment: name, gapMs: 0 });
  await one.claims.release(claim!, undefined);
});

test("a person's word that comes while a worker holds the claim is not lost when it is given back", async () => {
  const one = await store();
  await drained(one);
  const name = id("word");
  await one.journal.append(name, 0, requestedFact(name));
  const claim = await one.claims.claim("one", 5000);
  await one.journal.append(name, 1, paused);
  await one.claims.release(claim!, undefined);
  expect(await one.claims.claim("one", 5000)).toMatchObject({ deployment: name });
});

test("every waiting worker of a process is woken by another process's request, and one that nothing wakes sleeps to its end", async () => {
  const [sleeper, other] = [await store(), await store()];
  await drained(sleeper);
  await sleeper.waitForWork(1);
  let awake = 0;
  const waiting = [1, 2, 3].map(() => sleeper.waitForWork(60_000).then(() => awake++));
  await sleep(50);
  expect(awake).toBe(0);
  await other.journal.append(id("wake"), 0, requestedFact(id("env")));
  await Promise.all(waiting);
  await drained(sleeper);
});

test("a waiting worker wakes by itself when something that was given back is due again", async () => {
  const one = await store();
  await drained(one);
  const name = id("later");
  await one.journal.append(name, 0, requestedFact(name));
  await one.claims.release((await one.claims.claim("one", 1000))!, 150);
  expect(await one.claims.claim("one", 1000)).toBeUndefined();
  await one.waitForWork(60_000);
  expect(await one.claims.claim("one", 1000)).toMatchObject({ deployment: name });
});

const ended = (
  stands: Record<string, string>,
  outcome: "succeeded" | "rolled back" | "aborted" = "succeeded",
): Fact => ({
  kind: "ended",
  outcome,
  stands,
});
test("an environment takes its deployments one at a time in the order of requests, and stands where the last one left it", async () => {
  const { journal, environments, claims, ...one } = await store(id("turns"));
  const [a, b, c] = [id("a"), id("b"), id("c")];
  await Promise.all([
    journal.append(a, 0, requestedFact("prod", "1")),
    journal.append(id("x"), 0, requestedFact("dev")),
  ]);
  await journal.append(b, 0, requestedFact("prod", "2"));
  await journal.append(c, 0, requestedFact("prod", "3"));
  expect(await environments.standing("prod", a)).toEqual({ turn: true, stands: {} });
  expect(await environments.standing("prod", b)).toEqual({ turn: false, stands: {} });

  const claimed = [await claims.claim("w1", 9000), await claims.claim("w2", 9000), await claims.claim("w3", 9000)];
  expect(claimed.map((claim) => claim?.deployment)).not.toContain(b); // only the first of a queue is due
  await journal.append(a, 1, plannedFact());
  await journal.append(a, 2, ended({ web: "web-1" }));
  expect(await claims.claim("w4", 9000)).toMatchObject({ deployment: b });
  expect(await environments.standing("prod", b)).toEqual({
    turn: true,
    stands: { web: "web-1" },
    release: { id: "release-1", version: "1" },
  });

  await journal.append(b, 1, plannedFact("1"));
  await journal.append(b, 2, ended({ web: "web-1" }, "rolled back"));
  expect((await environments.standing("prod", c)).release).toEqual({ id: "release-1", version: "1" });
  await journal.append(c, 1, ended({}, "aborted")); // never had its turn: it says nothing about what stands
  expect(await environments.list()).toEqual([
    { name: "dev", stands: {}, open: [expect.any(String)] },
    { name: "prod", stands: { web: "web-1" }, release: { id: "release-1", version: "1" }, open: [] },
  ]);
  expect(await one.deployments({ environment: "prod", rowsMax: 2 })).toEqual([c, b]);
});

test("requests that race for one environment all get a turn of their own, and none is forgotten", async () => {
  const stores = await Promise.all(Array.from({ length: 3 }, () => store(id("crowd").slice(0, 5))));
  await drained(stores[0]!);
  const environment = id("crowded");
  const names = Array.from({ length: 15 }, (_, i) => id(`q${i}`));
  await Promise.all(names.map((name, i) => stores[i % 3]!.journal.append(name, 0, requestedFact(environment))));
  const order: string[] = [];
  for (let claim = await stores[0]!.claims.claim("w", 9000); claim; claim = await stores[0]!.claims.claim("w", 9000)) {
    const name = claim.deployment;
    order.push(name);
    expect((await stores[0]!.environments.standing(environment, name)).turn).toBe(true);
    await stores[order.length % 3]!.journal.append(name, 1, ended({}));
    await stores[0]!.claims.release(claim, undefined);
  }
  expect([...order].sort()).toEqual([...names].sort());
});

test("evidence is kept as it was first stored, by where it was taken", async () => {
  const { evidence } = await store();
  const at = { deployment: id("e"), node: "web", step: 3, service: "web" };
  const interval = (startMs: number, requests: number) => ({
    startMs,
    endMs: startMs + 5000,
    stable: {},
    candidate: { "GET /": { requests, errors: 0, latency: [1, 2, 3] } },
  });
  await evidence.put(at, [interval(5000, 5), interval(0, 1)]);
  await evidence.put(at, [interval(5000, 99), interval(10_000, 7)]);
  await evidence.put({ ...at, step: 4 }, [interval(0, 42)]);
  expect(await evidence.get(at)).toEqual([interval(0, 1), interval(5000, 5), interval(10_000, 7)]);
});

test("a release is kept once; other contents under its id are refused", async () => {
  const { releases } = await store();
  const ref = { id: id("r"), version: "v1" };
  expect(await releases.keep(ref, { b: 1, a: [2] })).toBe(true);
  expect(await releases.keep(ref, { a: [2], b: 1 })).toBe(false);
  await expect(releases.keep(ref, { a: [3] })).rejects.toThrow(/is recorded already, with other contents/);
  expect(await releases.get(ref.id)).toMatchObject({ ...ref, frozen: { a: [2], b: 1 } });
  const later = { a: [2], b: 1, version: "v2", commit: "1f3a" };
  expect(await releases.keep({ ...ref, version: "v2" }, later)).toBe(false);
  expect(await releases.get("nowhere")).toBeUndefined();
});

test("tables of a newer Sluice are left alone", async () => {
  await store();
  const client = new pg.Client({ connectionString: server().url });
  await client.connect();
  await client.query("insert into sluice.migrations values (999, now())");
  await expect(store()).rejects.toThrow(/was last used by a newer Sluice/);
  await client.query("delete from sluice.migrations where step = 999");
  await client.end();
});

test("evidence of a deployment that ended long ago is forgotten, that of one under way never", async () => {
  const workspace = id("evidence");
  const { journal, evidence, forgetEvidence } = await store(workspace);
  const [ended, open] = [`${workspace}-ended`, `${workspace}-open`];
  for (const name of [ended, open]) await journal.append(name, 0, requestedFact("production"));
  await journal.append(ended, 1, { kind: "ended", outcome: "succeeded", stands: {} });
  const gap = { startMs: 0, endMs: 5000, missing: "scrape timed out" };
  const at = (deployment: string) => ({ deployment, node: "web", step: 2, service: "web" });
  for (const name of [ended, open]) await evidence.put(at(name), [gap]);
  expect(await forgetEvidence(60_000)).toBe(0);
  expect(await forgetEvidence(-1)).toBe(1);
  expect([await evidence.get(at(ended)), await evidence.get(at(open))]).toEqual([[], [gap]]);
});

test("a deployment that ended long ago is packed with its head's hash, and read as before", async () => {
  const workspace = id("old");
  const { journal, archive, deployments } = await store(workspace);
  const names = Array.from({ length: 22 }, (_, i) => `${workspace}-${i}`);
  for (const name of names) {
    await journal.append(name, 0, requestedFact("production"));
    await journal.append(name, 1, { kind: "ended", outcome: "superseded", stands: {} });
  }
  const before = await journal.read(`${workspace}-0`);
  expect(await archive(60_000)).toBe(0); // nothing is that old
  expect(await archive(-1)).toBe(2); // the newest 20 stay
  expect(await archive(-1)).toBe(0);
  expect(await journal.read(`${workspace}-0`)).toEqual(before);
  expect(await deployments({ rowsMax: 50 })).toHaveLength(22);
  const client = new pg.Client(server().url);
  await client.connect();
  const { rows } = await client.query("select count(*)::int as left from sluice.events where deployment = $1", [
    `${workspace}-0`,
  ]);
  expect(rows).toEqual([{ left: 0 }]);
  await client.query("update sluice.archives set head = 'other' where deployment = $1", [`${workspace}-0`]);
  await client.end();
  await expect(journal.read(`${workspace}-0`)).rejects.toThrow(/is not what was written: its last events are missing/);
});

test("what stands is known by the facts that brought it, however many requests came after", async () => {
  const workspace = id("stands");
  const { journal, archive, environments } = await store(workspace);
  const releases = { web: { id: "r7", version: "7" } };
  await journal.append(`${workspace}-brought`, 0, requestedFact("production"));
  await journal.append(`${workspace}-brought`, 1, plannedFact());
  await journal.append(`${workspace}-brought`, 2, {
    kind: "ended",
    outcome: "succeeded",
    stands: { web: "web-7" },
    releases,
  });
  for (let i = 0; i < 21; i++) {
    await journal.append(`${workspace}-${i}`, 0, requestedFact("production"));
    await journal.append(`${workspace}-${i}`, 1, { kind: "ended", outcome: "superseded", stands: {} });
  }
  expect(await archive(-1)).toBe(1); // of 22, the newest 20 and what stands stay
  expect(await environments.stands("production")).toMatchObject({ stands: { web: "web-7" }, releases });
});
