// What earlier versions of Sluice wrote (test/fixtures/journals, made by their own commands on real parts: see
// bench/upgrade/keep-journal.mjs), read and gone on with by this one.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseClock } from "../src/adapters/postgres/database-clock.ts";
import { openStore, type Store } from "../src/adapters/postgres/store.ts";
import { firstBreak } from "../src/domain/chain.ts";
import type { Event } from "../src/domain/event.ts";
import { intentFor } from "../src/domain/intent.ts";
import { plan } from "../src/domain/plan.ts";
import { Temporary } from "../src/domain/problem.ts";
import { framesOf } from "../src/domain/progress.ts";
import { story, tellNow } from "../src/domain/prose.ts";
import { configOf, type Release, revisionsFor } from "../src/domain/release.ts";
import { fold, type Run } from "../src/domain/run.ts";
import { same } from "../src/domain/why.ts";
import type { MetricSource } from "../src/engine/ports.ts";
import { chained, digestOf } from "../src/engine/reading.ts";
import { decisionsOf } from "../src/engine/why.ts";
import { Worker } from "../src/engine/worker.ts";
import { SimMetrics } from "../src/simulation/sim-metrics.ts";
import { SimTarget } from "../src/simulation/sim-target.ts";
import { embeddedPostgres } from "../src/testing/postgres.ts";
import { shapeOf } from "../src/testing/sql-dump.ts";

const folder = join(import.meta.dirname, "fixtures/journals");
const kept = readdirSync(folder).map((file) => file.replace(/\.sql$/, ""));
const server = embeddedPostgres();
const stores = new Map<string, Store>();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

beforeAll(async () => {
  const client = new pg.Client(server().url);
  await client.connect();
  for (const name of [...kept, "fresh"]) await client.query(`create database "${name}"`);
  await client.end();
  await Promise.all([...kept, "fresh"].map(restore));
});
afterAll(async () => {
  for (const store of stores.values()) await store.close();
});

async function restore(name: string): Promise<void> {
  const sql = name === "fresh" ? "" : readFileSync(join(folder, `${name}.sql`), "utf8");
  await inDatabase(name, (client) => client.query(sql));
  stores.set(name, await openStore({ url: urlOf(name), workspace: "kept" }));
}

function urlOf(database: string): string {
  return server().url.replace(/\/[^/]*$/, `/${database}`);
}

async function inDatabase<T>(name: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(urlOf(name));
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function storeOf(name: string): Store {
  const store = stores.get(name);
  if (store === undefined) throw new Error(`nothing was restored as ${name}`);
  return store;
}

/** Every history, the first deployment first. */
async function histories({ deployments, journal }: Store): Promise<readonly (readonly Event[])[]> {
  const names = await deployments({ rowsMax: 100 });
  return Promise.all(names.toReversed().map((name) => journal.read(name)));
}

function folded(events: readonly Event[]): Run {
  const run = fold(events);
  if (run === undefined) throw new Error("a history begins with a request");
  return run;
}

describe.each(kept)("what %s wrote", (name) => {
  test("its tables become those that are made today", async () => {
    expect(await inDatabase(name, shapeOf)).toEqual(await inDatabase("fresh", shapeOf));
  });

  test("every history is the chain that was written, and each of its facts is told in words", async () => {
    const all = await histories(storeOf(name));
    expect(all.map((events) => firstBreak(events, sha256))).toEqual([undefined, undefined, undefined, undefined]);
    const told = all.flatMap((events) => story(events).map(({ sentence }) => sentence));
    expect(told).toHaveLength(all.flat().length);
    expect(told.filter((sentence) => /undefined|\[object|NaN|^$/.test(sentence))).toEqual([]);
    const now = all.map((events) => tellNow(folded(events), events.at(-1)?.at ?? 0));
    const likely = [
      /^v1 is live in production/,
      /^Rolled back: production is on v1 again: .*errors/,
      /^Aborted: .*the wrong one$/,
      /^web: watching v4 /i,
    ];
    for (const [i, words] of likely.entries()) expect(now[i]).toMatch(words);
  });

  test("what a verdict was made on is still there, and is the same evidence", async () => {
    const { evidence, ...store } = storeOf(name);
    const [, bad = []] = await histories(store as Store);
    const verdict = bad.find(({ fact }) => fact.kind === "judged" && fact.verdict === "fail");
    if (verdict?.fact.kind !== "judged") throw new Error("the second release was bad");
    const { node, step, digest } = verdict.fact;
    const observed = await evidence.get({ deployment: verdict.deployment, node, step, service: "web" });
    expect(observed.length).toBeGreaterThan(0);
    const chain = observed.reduce((before, one) => chained(before, one, sha256), "");
    const asToday = digestOf({ web: chain }, sha256);
    const asAList = sha256(JSON.stringify([["web", observed]]));
    // Before step 3 it was taken over what was known of the service as well, which is not kept.
    if (!/^step-[12]-/.test(name)) expect([asToday, asAList]).toContain(digest);
  });

  test("why it decided so can still be asked, and what can be replayed comes out the same", async () => {
    const { evidence, ...store } = storeOf(name);
    const among = async () => ({ inputs: [], replay: same });
    for (const events of await histories(store as Store)) {
      const decisions = await decisionsOf(events, { evidence, digest: sha256, among });
      expect(decisions).toHaveLength(events.length);
      expect(decisions.filter(({ replay }) => replay.result === "differs")).toEqual([]);
    }
  });

  test("its releases can be deployed again, and the one that stands is no change", async () => {
    const { releases, environments } = storeOf(name);
    const { stands } = await environments.stands("production");
    const kept = await releases.list(100);
    expect(kept.length).toBeGreaterThan(0);
    for (const { id } of kept) {
      const release = (await releases.get(id))?.frozen as Release;
      const specs = revisionsFor(release, { environment: "production", secretVersions: {}, digest: sha256 });
      const revisions = Object.fromEntries(Object.entries(specs).map(([of, { revision }]) => [of, revision]));
      const config = configOf(release);
      const intent = intentFor({ config, environment: "production", revisions, publicUrl: "http://127.0.0.1:80" });
      expect([release.version, plan(intent, stands).unchanged]).toEqual([
        release.version,
        release.version === "1" ? ["web"] : [],
      ]);
    }
  });
});

async function drive(worker: Worker, store: Store): Promise<void> {
  if (!(await worker.once())) await store.waitForWork(1000);
}

function ignoreTemporary(error: unknown): void {
  if (!(error instanceof Temporary)) throw error;
}

/** The present engine on the restored journal, on targets that stand as the older one left them. */
async function finished(name: string) {
  const store = storeOf(name);
  const [left = []] = (await histories(store)).slice(-1);
  const begun = folded(left);
  const web = begun.plan?.services.web;
  if (web === undefined) throw new Error(`${name} was not left in the middle`);
  const clock = await databaseClock({ now: () => store.now(), onPutBack: () => store.forgetFuture() });
  const target = new SimTarget({ clock, behaviours: {} });
  for (const revision of [web.stable, web.candidate]) if (revision !== undefined) await target.publish(revision);
  await target.apply(framesOf(begun, "web", web).asked, web.size, { journal: store.journal.id, seq: begun.seq });
  target.violations.length = 0;
  const targets = new Map([["web", target]]);
  const metrics = new SimMetrics({ clock, targets, behaviours: {}, requestsPerSecond: 100, intervalMs: 500 });
  const startedAt = clock.now();
  const ports = {
    ...store,
    clock,
    // What was counted while no version ran is long gone.
    metrics: {
      read: (query: Parameters<MetricSource["read"]>[0]) =>
        metrics.read({ ...query, since: Math.max(query.since, startedAt) }),
      sample: metrics.sample.bind(metrics),
      probe: metrics.probe.bind(metrics),
    },
    jobs: { run: async () => ({ state: "succeeded" }) as const },
    target: async () => target,
    digest: sha256,
  };
  const worker = new Worker({ name: "newest", ports, claims: store.claims, leaseMs: 15_000 });
  const until = clock.now() + 90_000;
  let run = begun;
  while (run.phase.kind !== "ended" && clock.now() < until) {
    await drive(worker, store).catch(ignoreTemporary);
    run = folded(await store.journal.read(begun.id).catch(() => left));
  }
  clock.stop();
  const after = (await store.journal.read(begun.id)).slice(left.length);
  const outcome = run.phase.kind === "ended" ? run.phase.outcome : tellNow(run, clock.now());
  return { outcome, kinds: after.map(({ fact }) => fact.kind), violations: target.violations, target, web, run, begun };
}

test("a rollout that an earlier version left in the middle of its canary is finished as it was planned", async () => {
  const all = await Promise.all(kept.map(async (name) => ({ name, ...(await finished(name)) })));
  expect(all.map(({ name, outcome }) => `${name}: ${outcome}`)).toEqual(kept.map((name) => `${name}: succeeded`));
  for (const { kinds, violations, run, begun, web, target } of all) {
    expect(kinds[0]).toBe("resumed"); // the time in which no worker looked uses up no patience
    expect(kinds).not.toContain("planned");
    expect(run.plan).toEqual(begun.plan);
    expect(violations).toEqual([]);
    expect(target.frames.at(-1)?.frame.revisions).toEqual({ [web.candidate]: { capacity: 100, traffic: 100 } });
  }
}, 120_000);
