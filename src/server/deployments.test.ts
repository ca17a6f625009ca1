// Releases and deployments through the API: sent once, deployed once, moved by people's verbs.
import pg from "pg";
import { describe, expect, test } from "vitest";
import type { Config } from "../domain/config/config.ts";
import type { Event } from "../domain/event.ts";
import type { Run } from "../domain/run.ts";
import {
  api,
  configWith,
  database,
  deployed,
  host,
  planned,
  raw,
  release,
  sendRelease,
  sent,
  server,
  sha256,
  store,
  succeed,
  token,
} from "../testing/api.ts";

test("a release passes its environments in their order, and never skips one", async () => {
  await sendRelease("1", configWith({ staging: {}, production: { after: "staging" } }));
  const ask = (environment: string) => api("/deployments", { method: "POST", body: { environment, release: "1" } });
  expect(await ask("production")).toMatchObject({
    status: 409,
    body: { detail: "v1 has not succeeded in staging yet, after which production comes" },
  });
  const { deployment } = (await ask("staging")).body;
  expect((await ask("production")).status).toBe(409);
  await store.journal.append(deployment.id, 1, { kind: "ended", outcome: "succeeded", stands: { web: "web-1" } });
  expect((await ask("production")).status).toBe(200);
});

test("a release is sent once, its artifacts only where they are lacking, and then it is deployed", async () => {
  const one = release("1");
  const [artifact] = [sha256("1")];
  expect(await api("/releases", { method: "POST", body: one })).toEqual({
    status: 200,
    body: { isNew: true, lacking: [artifact] },
  });
  const asked = { method: "POST", body: { environment: "production", release: one.id, reason: "first" } };
  expect(await api("/deployments", asked)).toMatchObject({
    status: 409,
    body: { detail: "the artifacts of web have not been sent yet" },
  });

  expect((await raw(`/api/v1/artifacts/${artifact}`, { method: "HEAD" })).status).toBe(404);
  const upload = `/artifacts/${artifact}/uploads/${sha256("packed")}`;
  const put = async (from: number, bytes: readonly number[]) => {
    const headers = { host, authorization: `Bearer ${token}`, "content-type": "application/octet-stream" };
    const body = new Uint8Array(bytes);
    const answer = await server.app.request(`/api/v1${upload}?from=${from}`, { method: "PUT", headers, body });
    return await answer.json();
  };
  expect(await put(0, [1, 2])).toEqual({ arrived: 2 });
  expect(await put(7, [9])).toEqual({ arrived: 2 });
  expect((await api(upload)).body).toEqual({ arrived: 2, isHere: false });
  expect(await put(2, [3])).toEqual({ arrived: 3 });
  const manifest = { artifact, service: "web", inputs: "i", config: "c", files: 1, bytes: 3 };
  expect((await api(upload, { method: "POST", body: { artifact } })).status).toBe(400);
  expect((await api(upload, { method: "POST", body: manifest })).status).toBe(200);
  expect(sent.get(artifact)).toEqual(Buffer.from([1, 2, 3]));
  expect((await api(upload)).body).toMatchObject({ isHere: true });
  expect((await raw(`/api/v1/artifacts/${artifact}`, { method: "HEAD" })).status).toBe(200);

  const { status, body } = await api("/deployments", asked);
  expect(status).toBe(200);
  expect(body.deployment).toMatchObject({
    environment: "production",
    release: { id: one.id, version: "1" },
    by: "ana",
    reason: "first",
    phase: { kind: "queued" },
  });
  expect((await api(`/deployments/${body.deployment.id}`)).body.waiting).toEqual(["web-2 has 0 of 1 replicas ready"]);
  expect((await api("/releases", { method: "POST", body: one })).body).toEqual({ isNew: false, lacking: [] });
  expect((await api("/releases/1")).body.release).toEqual(JSON.parse(JSON.stringify(one)));
});

test("a release whose contents do not have its hash is refused", async () => {
  const forged = { ...release("1"), services: { web: { artifact: sha256("other") } } };
  expect(await api("/releases", { method: "POST", body: forged })).toMatchObject({
    status: 422,
    body: { detail: `release ${forged.id} does not have the hash of its contents`, mend: "Build it again" },
  });
});

test("the same request sent twice is one deployment", async () => {
  const headers = { "idempotency-key": "build 17" };
  const [first, again] = [await deployed("1", { headers }), await deployed("1", { headers })];
  expect(again.id).toBe(first.id);
  expect((await api("/deployments")).body.deployments).toHaveLength(1);
  const other = await api("/deployments", {
    method: "POST",
    headers,
    body: { environment: "production", release: release("1").id },
  });
  expect(other.body.deployment.id).toBe(first.id);
});

test("a dry run answers the plan and writes nothing", async () => {
  const { body } = await api("/plan", { method: "POST", body: { environment: "production", release: release("1") } });
  expect(body).toMatchObject({
    stands: {},
    release: { version: "1" },
    plan: { services: { web: { candidate: "web-1" } } },
  });
  expect((await api("/status")).body.environments).toEqual([]);
  expect((await api("/releases")).body.releases).toEqual([]);
});

test("two releases are compared by version, or by the environment in which one stands", async () => {
  await succeed(await deployed("1"));
  await api("/releases", { method: "POST", body: release("2") });
  const { status, body } = await api("/diff?from=production&to=2");
  expect([status, body.diff.from.version, body.diff.to.version]).toEqual([200, "1", "2"]);
  expect(body.diff.code).toEqual([{ service: "web", change: "changed", from: sha256("1"), to: sha256("2") }]);
  expect((await api("/diff?from=production&to=7")).body).toMatchObject({ detail: "there is no release 7" });
});

test("a verb becomes a fact where it is legal, and a plain sentence where it is not", async () => {
  const run = await deployed("1");
  await planned(run);
  const say = (verb: string, body: object = {}) => api(`/deployments/${run.id}/${verb}`, { method: "POST", body });
  expect((await say("pause", { reason: "lunch" })).body.deployment.paused).toMatchObject({
    by: "ana",
    reason: "lunch",
  });
  expect(await say("pause")).toMatchObject({ status: 409, body: { detail: `${run.id} is paused already, by ana` } });
  expect((await say("resume")).body.deployment.paused).toBeUndefined();
  expect((await say("abort", { reason: "wrong one" })).body.deployment.phase.cause).toEqual({
    kind: "aborted",
    because: "wrong one",
    by: "ana",
  });
  expect((await say("promote")).status).toBe(409);
  const { events } = (await api(`/deployments/${run.id}/events?from=2`)).body;
  expect(events.map(({ fact }: Event) => fact.kind)).toEqual(["paused", "unpaused", "abort asked"]);
});

test("verbs that race with the engine and each other are each decided on what is so then", async () => {
  const run = await deployed("1");
  await planned(run);
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => api(`/deployments/${run.id}/pause`, { method: "POST", body: {} })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
});

test("a deployment that failed is tried again from where it failed, as a new one", async () => {
  await succeed(await deployed("1"));
  const failed = await deployed("2");
  await planned(failed);
  await store.journal.append(failed.id, 2, { kind: "step done", node: "web", step: 0 });
  await store.journal.append(failed.id, 3, { kind: "ended", outcome: "rolled back", stands: { web: "web-1" } });
  const { status, body } = await api(`/deployments/${failed.id}/retry`, { method: "POST", body: {} });
  expect([status, body.deployment.retryOf]).toEqual([200, failed.id]);
  expect(body.deployment.intent.passed).toMatchObject({ stands: { web: "web-1" }, steps: { web: 1 } });
});

describe("a deployment that finds one under way and one that waits", () => {
  function brought(version: string, queue: Config["environments"][string]["queue"]): Promise<Run> {
    return deployed(version, { config: configWith({ production: { target: { kind: "processes" }, queue } }) });
  }

  async function supersededBy(queue: Parameters<typeof brought>[1]): Promise<readonly string[]> {
    const first = await brought("1", "wait");
    await planned(first);
    const all = [first, await brought("2", "wait"), await brought("3", queue)];
    const events = await Promise.all(all.map(({ id }) => store.journal.read(id)));
    return events.flatMap((of, i) => (of.some(({ fact }) => fact.kind === "superseded") ? [`${i + 1}`] : []));
  }

  test("wait lets both be", async () => {
    expect(await supersededBy("wait")).toEqual([]);
  });

  test("latestWins replaces what waits", async () => {
    expect(await supersededBy("latestWins")).toEqual(["2"]);
  });

  test("cancelInProgress also takes back what is in progress, and why tells by which policy", async () => {
    expect(await supersededBy("cancelInProgress")).toEqual(["1", "2"]);
    const { deployments } = (await api("/deployments")).body;
    const { decisions } = (await api(`/deployments/${deployments[2].id}/why`)).body;
    expect(decisions.at(-1)).toMatchObject({
      kind: "superseded",
      inputs: [`${deployments[0].id} came with queue: cancelInProgress`, "it was running"],
      replay: { result: "same" },
    });
  });
});

test("anyone may have the hashes of a deployment's history computed again", async () => {
  const run = await deployed("1");
  await planned(run);
  expect((await api(`/deployments/${run.id}/chain`)).body).toEqual({ events: 2, isUnbroken: true });
  const client = new pg.Client({ connectionString: database().url });
  await client.connect();
  await client.query("update sluice.events set at = at - 1000 where deployment = $1 and position = 0", [run.id]);
  await client.end();
  expect((await api(`/deployments/${run.id}/chain`)).body).toEqual({
    events: 2,
    isUnbroken: false,
    because: "event 0 was changed after it was written",
  });
});

test("the facts of an archived deployment are read from any position, as before", async () => {
  const first = await deployed("1");
  await succeed(first);
  for (let version = 2; version < 23; version++) await succeed(await deployed(`${version}`));
  const kinds = async () =>
    (await api(`/deployments/${first.id}/events?from=1`)).body.events.map(({ fact }: Event) => fact.kind);
  expect(await kinds()).toEqual(["planned", "ended"]);
  expect(await store.archive(-1)).toBeGreaterThan(0);
  expect(await kinds()).toEqual(["planned", "ended"]);
});
