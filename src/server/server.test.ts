import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parsePushed, reportsOf } from "../adapters/metrics/otlp/request.ts";
import { readPushed } from "../adapters/metrics/otlp/source.ts";
import { startEmbedded, stopEmbedded } from "../adapters/postgres/embedded/server.ts";
import { openStore, type Store } from "../adapters/postgres/store.ts";
import { rehearseDue } from "../compose/rehearse.ts";
import { type Config, parseConfig } from "../domain/config/config.ts";
import type { Event } from "../domain/event.ts";
import { isInterval } from "../domain/evidence.ts";
import { intentFor } from "../domain/intent.ts";
import { plan as planOf } from "../domain/plan.ts";
import { configOf, makeRelease, type Release } from "../domain/release.ts";
import type { Run } from "../domain/run.ts";
import { embeddedPostgres } from "../testing/postgres.ts";
import { metricsTokenOf } from "./auth.ts";
import { listen } from "./listen.ts";
import type { Places } from "./records.ts";
import { returnAfterWatch } from "./returns.ts";
import { routes } from "./routes.ts";
import { createServer, type Server } from "./server.ts";
import { localToken } from "./token-file.ts";

const database = embeddedPostgres();
const token = `sluice_${"t".repeat(43)}`;
const stop = new AbortController();
let store: Store;
let server: Server;
let now = Date.parse("2026-01-01");
let workspaces = 0;
let ids = 0;
const sent = new Map<string, Uint8Array>();
const arrived = new Map<string, Buffer>();
const logged: unknown[] = [];
const pageFolder = mkdtempSync(join(tmpdir(), "sluice-page-"));

const config = ((): Config => {
  const parsed = parseConfig({
    services: { web: { kind: "http", path: "apps/web", build: { bundle: "src/main.ts" } } },
    environments: { production: { target: { kind: "processes" } } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
})();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function release(version: string): Release {
  return makeRelease({ version, services: { web: { artifact: sha256(version) } }, config }, sha256);
}

let maintained: Awaited<ReturnType<Places["inMaintenance"]>> = {};
const places: Places = {
  intend: async (wanted, environment) =>
    intentFor({
      config: configOf(wanted),
      environment,
      revisions: { web: `web-${wanted.version}` },
      publicUrl: "http://127.0.0.1:8080",
    }),
  restart: async (wanted, environment, { stands, tag }) =>
    intentFor({
      config: configOf(wanted),
      environment,
      revisions: Object.fromEntries(Object.entries(stands).map(([name, revision]) => [name, `${revision}-r${tag}`])),
      publicUrl: "http://127.0.0.1:8080",
    }),
  publicUrl: async () => "http://127.0.0.1:8080",
  waiting: () => ["web-2 has 0 of 1 replicas ready"],
  counted: async () => ({ intervals: [], replicas: [] }),
  pushMetrics: async ({ body, isJson }) => {
    const { reports, leftOut } = reportsOf(parsePushed(body, isJson));
    await store.pushed.put(reports);
    return leftOut;
  },
  maintain: async ({ service }, { on, by, reason }) => {
    if (service !== "web") return false;
    maintained = on ? { web: { by, at: now, ...(reason === undefined ? {} : { reason }) } } : {};
    return true;
  },
  inMaintenance: async () => maintained,
  metrics: async () => "sluice_requests_total 7\n",
  health: async (environment = "production") => [{ environment, status: "healthy", services: [], certificates: [] }],
  logs: async function* ({ service }) {
    yield { service, line: "listening" };
  },
  shelves: { read: async () => undefined, write: async () => {} },
  secretValues: () => ({}),
  hookSecret: () => "hook",
  checkSchedule: () => {},
  putSecrets: (_environment, values) => Object.fromEntries(Object.keys(values).map((name) => [name, "version"])),
  jobs: {
    list: async () => [],
    run: () => Promise.reject(new Error("no job is run here")),
    lines: async () => [],
  },
  artifacts: {
    has: async (artifact) => sent.has(artifact),
    arrived: async ({ packed }) => arrived.get(packed)?.length ?? 0,
    take: async ({ packed }, { from, body }) => {
      const before = arrived.get(packed) ?? Buffer.alloc(0);
      if (from > before.length) return before.length;
      const parts = [before.subarray(0, from)];
      for await (const part of body) parts.push(Buffer.from(part));
      arrived.set(packed, Buffer.concat(parts));
      return Buffer.concat(parts).length;
    },
    finish: async ({ artifact, packed }) => void sent.set(artifact, arrived.get(packed) ?? Buffer.alloc(0)),
  },
};

beforeAll(() => {
  writeFileSync(join(pageFolder, "index.html"), "<!doctype html><title>Sluice</title>");
  writeFileSync(join(pageFolder, "app.js"), "1;");
});
beforeEach(async () => {
  await store?.close();
  store = await openStore({ url: database().url, workspace: `api-${++workspaces}` });
  sent.clear();
  server = createServer({
    records: store,
    places,
    clock: { now: () => now, sleep: async () => {} },
    token,
    user: "ana",
    version: "0.0.0",
    newId: () => `d-${workspaces}-${++ids}`,
    pageFolder,
    heartbeatMs: 50,
    signal: stop.signal,
    log: (error) => logged.push(error),
  });
});
afterAll(async () => {
  stop.abort();
  await store.close();
  rmSync(pageFolder, { recursive: true });
});

const host = "127.0.0.1:4400";
type Options = { method?: string; headers?: Record<string, string>; body?: unknown };

async function raw(path: string, { method = "GET", headers = {}, body }: Options = {}): Promise<Response> {
  return server.app.request(path, {
    method,
    headers: {
      host,
      ...(headers.authorization === "" || headers.cookie ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== "")),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function api(path: string, options: Options = {}) {
  const response = await raw(`/api/v1${path}`, options);
  return { status: response.status, body: await response.json() };
}

async function deployed(version: string, options: { headers?: Record<string, string> } = {}): Promise<Run> {
  const wanted = release(version);
  sent.set(sha256(version), new Uint8Array());
  await api("/releases", { method: "POST", body: wanted });
  const { body } = await api("/deployments", {
    method: "POST",
    body: { environment: "production", release: version },
    ...options,
  });
  return body.deployment;
}

/** What a worker would write. */
async function succeed(run: Run): Promise<void> {
  const { stands, release: standing } = await store.environments.standing("production", run.id);
  const frozen = planOf(run.intent, stands);
  const standingRelease = standing === undefined ? {} : { standingRelease: standing };
  await store.journal.append(run.id, 1, { kind: "planned", plan: frozen, stands, ...standingRelease });
  await store.journal.append(run.id, 2, {
    kind: "ended",
    outcome: "succeeded",
    stands: { web: `web-${run.release.version}` },
  });
}

async function planned(run: Run): Promise<void> {
  const { stands } = await store.environments.standing("production", run.id);
  await store.journal.append(run.id, 1, { kind: "planned", plan: planOf(run.intent, stands), stands });
}

test("a release passes its environments in their order, and never skips one", async () => {
  const parsed = parseConfig({
    services: { web: { kind: "http", path: "apps/web", build: { bundle: "src/main.ts" } } },
    environments: { staging: {}, production: { after: "staging" } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const artifact = sha256("1");
  const wanted = makeRelease({ version: "1", services: { web: { artifact } }, config: parsed.config }, sha256);
  sent.set(artifact, new Uint8Array());
  await api("/releases", { method: "POST", body: wanted });
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

test("maintenance is put on and off by a person, and the status says who and why", async () => {
  await succeed(await deployed("1"));
  const path = "/environments/production/services/web/maintenance";
  const closed = async () => (await api("/status")).body.environments[0].inMaintenance;
  const on = await api(path, { method: "PUT", body: { on: true, reason: "moving" } });
  expect(on).toEqual({ status: 200, body: { environment: "production", service: "web", on: true } });
  expect(await closed()).toEqual({ web: { by: "ana", at: now, reason: "moving" } });
  await api(path, { method: "PUT", body: { on: false } });
  expect(await closed()).toEqual({});
  const wrong = await api(path.replace("web", "wbe"), { method: "PUT", body: { on: true } });
  expect([wrong.status, wrong.body.detail]).toEqual([404, "there is no service wbe in production"]);
});

test("two releases are compared by version, or by the environment in which one stands", async () => {
  await succeed(await deployed("1"));
  await api("/releases", { method: "POST", body: release("2") });
  const { status, body } = await api("/diff?from=production&to=2");
  expect([status, body.diff.from.version, body.diff.to.version]).toEqual([200, "1", "2"]);
  expect(body.diff.code).toEqual([{ service: "web", change: "changed", from: sha256("1"), to: sha256("2") }]);
  expect((await api("/diff?from=production&to=7")).body).toMatchObject({ detail: "there is no release 7" });
});

test("the values of secrets go in, and versions come out", async () => {
  const body = { values: { KEY: "s3cret-value" } };
  const answer = await api("/environments/production/secrets", { method: "PUT", body });
  expect(answer).toEqual({ status: 200, body: { versions: { KEY: "version" } } });
  expect(JSON.stringify([answer, logged])).not.toContain("s3cret-value");
});

test("nobody is answered without the token, except about readiness", async () => {
  expect(await api("/deployments", { headers: { authorization: "" } })).toMatchObject({
    status: 401,
    body: { title: "Not signed in", detail: "nobody is signed in", mend: expect.stringContaining("sluice open") },
  });
  expect((await api("/deployments", { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
  expect(await api("/health", { headers: { authorization: "" } })).toEqual({ status: 200, body: { status: "ready" } });
  expect(await api("/session")).toEqual({ status: 200, body: { name: "ana" } });
});

test("every route but the open ones refuses a stranger", async () => {
  for (const { method, path, ...route } of Object.values(routes)) {
    const response = await raw(`/api/v1${path.replaceAll(/:\w+/g, "x")}`, {
      method: method.toUpperCase(),
      headers: { authorization: "Bearer wrong" },
    });
    expect([path, [401, 429].includes(response.status)]).toEqual([path, !("isOpen" in route)]);
  }
});

test("a name that was rebound to this machine, and pages of other origins, are refused", async () => {
  const refused = async (headers: Record<string, string>) => (await raw("/api/v1/session", { headers })).status;
  expect(await refused({ host: "evil.example" })).toBe(403);
  expect(await refused({ host: "evil.example:4400" })).toBe(403);
  expect(await refused({ origin: "http://evil.example" })).toBe(403);
  expect(await refused({ origin: "http://127.0.0.1:8080" })).toBe(403); // an app that was deployed here
  expect(await refused({ origin: "null" })).toBe(403);
  expect(await refused({ "sec-fetch-site": "same-site" })).toBe(403);
  expect(await refused({ "sec-fetch-site": "same-origin", origin: `http://${host}` })).toBe(200);
  expect(await refused({ host: "localhost:4400" })).toBe(200);
  expect(
    (await raw("/api/v1/session", { headers: { origin: "http://evil.example" } })).headers.get(
      "access-control-allow-origin",
    ),
  ).toBeNull();
});

test("a browser signs in once with a code that lives minutes, and its cookie is of no use to scripts and other sites", async () => {
  const { body } = await api("/login-codes", { method: "POST" });
  const first = await raw(body.path, {
    headers: { authorization: "", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
  });
  const cookie = first.headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(/^sluice_4400=\d+\.[\w-]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/);
  const pair = cookie.split(";")[0] ?? "";
  expect((await raw("/api/v1/session", { headers: { cookie: pair } })).status).toBe(200);
  expect((await raw("/api/v1/session", { headers: { cookie: pair.replace(/\d\./, "9.") } })).status).toBe(401);
  expect((await raw(body.path, { headers: { authorization: "" } })).status).toBe(401);

  const late = (await api("/login-codes", { method: "POST" })).body;
  now += 5 * 60_000;
  expect((await raw(late.path, { headers: { authorization: "" } })).status).toBe(401);
  now += 7 * 24 * 3_600_000;
  expect((await raw("/api/v1/session", { headers: { cookie: pair } })).status).toBe(401);
});

test("sign-ins that fail again and again are told to wait, while the right token still works", async () => {
  const statuses = [];
  for (let i = 0; i < 25; i++)
    statuses.push((await api("/session", { headers: { authorization: `Bearer ${i}` } })).status);
  expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
  expect(statuses.at(-1)).toBe(429);
  expect((await api("/session")).status).toBe(200);
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
  expect((await api(upload)).body).toEqual({ arrived: 2 });
  expect(await put(2, [3])).toEqual({ arrived: 3 });
  const manifest = { artifact, service: "web", inputs: "i", config: "c", files: 1, bytes: 3 };
  expect((await api(upload, { method: "POST", body: { artifact } })).status).toBe(400);
  expect((await api(upload, { method: "POST", body: manifest })).status).toBe(200);
  expect(sent.get(artifact)).toEqual(Buffer.from([1, 2, 3]));
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

test("everything wrong with a request is told at once, each with its path", async () => {
  expect(await api("/deployments", { method: "POST", body: { environment: "" } })).toMatchObject({
    status: 400,
    body: { errors: [{ path: "body.environment" }, { path: "body.release" }] },
  });
  expect((await api("/deployments/nothing")).body).toMatchObject({
    status: 404,
    detail: "there is no deployment nothing",
  });
  expect((await api("/nothing")).body).toMatchObject({ status: 404, detail: "there is no GET /api/v1/nothing" });
  const unknown = await api("/plan", { method: "POST", body: { environment: "produciton", release: release("1") } });
  expect(unknown).toMatchObject({ status: 422, body: { mend: 'Did you mean "production"?' } });
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

test("verbs that race with the engine and each other are each decided on what is so then", async () => {
  const run = await deployed("1");
  await planned(run);
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => api(`/deployments/${run.id}/pause`, { method: "POST", body: {} })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
});

test("a rollback returns to the release before, at once, and a second one to the release before that", async () => {
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version));
  const back = () => api("/environments/production/rollback", { method: "POST", body: { reason: "slow" } });
  const first = (await back()).body.deployment;
  expect(first).toMatchObject({
    release: { version: "2" },
    intent: { services: { web: { strategy: { kind: "blueGreen" } } } },
  });
  expect(await back()).toMatchObject({ status: 409, body: { detail: `${first.id} is under way in production` } });
  await succeed(first);
  const keyed = { method: "POST", headers: { "idempotency-key": "twice" }, body: { to: "1" } };
  const [once, twice] = [
    await api("/environments/production/rollback", keyed),
    await api("/environments/production/rollback", keyed),
  ];
  expect(twice.body.deployment.id).toBe(once.body.deployment.id);
  await store.journal.append(once.body.deployment.id, 1, { kind: "ended", outcome: "aborted", stands: {} });
  const second = (await back()).body.deployment;
  expect(second.release.version).toBe("1");
  await succeed(second);
  expect(await back()).toMatchObject({
    status: 409,
    body: { detail: "nothing stood in production before what stands there now" },
  });
  const named = await api("/environments/production/rollback", {
    method: "POST",
    body: { to: "3", services: ["web"] },
  });
  expect(named.body.deployment.release.version).toBe("3");
});

test("status says what stands, what is under way and where it is reached", async () => {
  await succeed(await deployed("1"));
  const open = await deployed("2");
  expect((await api("/status")).body.environments).toMatchObject([
    {
      name: "production",
      url: "http://127.0.0.1:8080",
      release: { version: "1" },
      stands: { web: "web-1" },
      open: [{ id: open.id }],
    },
  ]);
});

test("the OpenAPI document names every route, and has what a request must have", async () => {
  const { body } = await api("/openapi.json");
  const operations = Object.values<Record<string, { operationId: string }>>(body.paths).flatMap((path) =>
    Object.values(path),
  );
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(routes).sort());
  expect(body.paths["/api/v1/deployments"].post.requestBody.content["application/json"].schema.required).toEqual([
    "environment",
    "release",
  ]);
});

test("live events come as they are written, and a stream that broke goes on after the last one seen", async () => {
  const listening = await listen(server.app, { port: 0 });
  const url = `http://127.0.0.1:${listening.port}/api/v1/events`;
  const head = await store.feed.head();
  const follow = async (query: string, headers: Record<string, string> = {}) => {
    const left = new AbortController();
    const response = await fetch(`${url}${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      signal: left.signal,
    });
    return { events: eventsOf(response), leave: () => left.abort(), type: response.headers.get("content-type") };
  };
  const one = await follow(`?from=${head}`);
  expect(one.type).toBe("text/event-stream");
  const run = await deployed("1");
  const first = (await one.events.next()).value!;
  expect(first).toMatchObject({ deployment: run.id, position: 0, fact: { kind: "requested" } });
  one.leave();
  await planned(run);
  const two = await follow(`?from=${head}`, { "last-event-id": String(first.seq) });
  expect((await two.events.next()).value).toMatchObject({ fact: { kind: "planned" } });
  await api(`/deployments/${run.id}/pause`, { method: "POST", body: {} });
  expect((await two.events.next()).value).toMatchObject({ fact: { kind: "paused" } });
  two.leave();
  await listening.close();
});

async function* eventsOf(response: Response): AsyncGenerator<Event, undefined> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

test("while the database is away everyone is told to come back, and a live stream goes on when it is there again", async () => {
  const run = await deployed("1");
  const listening = await listen(server.app, { port: 0 });
  const response = await fetch(`http://127.0.0.1:${listening.port}/api/v1/deployments/${run.id}/events`, {
    headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
  });
  const events = eventsOf(response);
  expect((await events.next()).value).toMatchObject({ fact: { kind: "requested" } });
  await stopEmbedded(database().dataFolder);
  const away = await raw("/api/v1/deployments");
  expect([away.status, away.headers.get("retry-after"), away.headers.get("content-type")]).toEqual([
    503,
    "2",
    "application/problem+json",
  ]);
  expect(await api("/health")).toEqual({
    status: 503,
    body: { status: "unready", because: "the database does not answer" },
  });
  await startEmbedded(database().dataFolder);
  expect((await api(`/deployments/${run.id}`)).status).toBe(200);
  await planned(run);
  expect((await events.next()).value).toMatchObject({ deployment: run.id, fact: { kind: "planned" } });
  await events.return(undefined);
  await listening.close();
});

test("the health of services is a tree by environment", async () => {
  const response = await raw("/api/v1/services/health?environment=staging");
  expect(await response.json()).toEqual({
    environments: [{ environment: "staging", status: "healthy", services: [], certificates: [] }],
  });
});

test("logs come line by line", async () => {
  const response = await raw("/api/v1/logs?environment=production&service=web");
  expect(await response.text()).toBe('{"service":"web","line":"listening"}\n');
});

test("the page is served at any of its addresses, with no way to run foreign code in it", async () => {
  const start = await raw("/deployments/d-1", { headers: { authorization: "" } });
  expect(await start.text()).toContain("<title>Sluice</title>");
  expect(start.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect((await raw("/app.js", { headers: { authorization: "" } })).headers.get("content-type")).toMatch(
    /^text\/javascript/,
  );
  expect((await raw("/%2e%2e/%2e%2e/etc/passwd", { headers: { authorization: "" } })).status).toBeGreaterThanOrEqual(
    200,
  );
  expect(await (await raw("/..%2f..%2fetc%2fpasswd")).text()).not.toContain("root:");
  expect((await raw("/gone.js")).status).toBe(404);
});

test("a taken port is told in one sentence", async () => {
  const { port, close } = await listen(server.app, { port: 0 });
  await expect(listen(server.app, { port })).rejects.toThrow(`port ${port} on 127.0.0.1 is taken by another program`);
  await close();
});

test("the token is made once, and is nobody else's to read", () => {
  const file = join(pageFolder, "data", "token");
  const made = localToken(file);
  expect(made).toMatch(/^sluice_[\w-]{43}$/);
  expect(localToken(file)).toBe(made);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8").trim()).toBe(made);
});

test("a Prometheus scrapes /metrics with the token of the data folder, and nobody without", async () => {
  const scraped = await raw("/metrics");
  expect([scraped.status, scraped.headers.get("content-type"), await scraped.text()]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
    "sluice_requests_total 7\n",
  ]);
  expect((await raw("/metrics", { headers: { authorization: "" } })).status).toBe(401);
});

async function ordered(order: string, body: object = {}) {
  return api(`/environments/production/${order}`, { method: "POST", body });
}

test("a rollback skips releases that were themselves taken back, and says from which deployment it leads away", async () => {
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version));
  const first = (await ordered("rollback")).body.deployment;
  expect(first).toMatchObject({ purpose: "rollback", release: { version: "2" } });
  await succeed(first);
  await succeed(await deployed("4"));
  const { targets } = (await api("/environments/production/returns")).body;
  expect(
    targets.map(({ release: { version }, isDefault, isDoubtful }: never) => [version, isDefault, isDoubtful]),
  ).toEqual([
    ["3", false, true],
    ["2", true, false],
    ["1", false, false],
  ]);
});

test("while a deployment is under way, a rollback that names nothing takes that one back", async () => {
  await succeed(await deployed("1"));
  const going = await deployed("2");
  await planned(going);
  const { body } = await ordered("rollback", { reason: "it is on fire" });
  expect(body.deployment).toMatchObject({ id: going.id, phase: { kind: "turning", cause: { kind: "aborted" } } });
});

test("a release that never stood in an environment is not returned to: it would pass by its gates", async () => {
  await succeed(await deployed("1"));
  await api("/releases", { method: "POST", body: release("9") });
  expect(await ordered("rollback", { to: "9" })).toMatchObject({ status: 409 });
});

test("an environment names the versions to which one may return", async () => {
  const parsed = parseConfig({
    services: { web: { kind: "http", path: "apps/web", build: { bundle: "src/main.ts" } } },
    environments: { production: { rollback: { versions: ["2*"] } } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  for (const version of ["1", "2", "3"]) {
    const wanted = makeRelease(
      { version, services: { web: { artifact: sha256(version) } }, config: parsed.config },
      sha256,
    );
    sent.set(sha256(version), new Uint8Array());
    await api("/releases", { method: "POST", body: wanted });
    await succeed(
      (await api("/deployments", { method: "POST", body: { environment: "production", release: version } })).body
        .deployment,
    );
  }
  expect(await ordered("rollback", { to: "1" })).toMatchObject({
    status: 409,
    body: { detail: "production does not return to v1: one may only return to 2*" },
  });
  expect((await ordered("rollback", { to: "2" })).status).toBe(200);
});

describe("a deployment that finds one under way and one that waits", () => {
  async function brought(version: string, queue: Config["environments"][string]["queue"]): Promise<Run> {
    const environments = { production: { target: { kind: "processes" }, queue } };
    const parsed = parseConfig({
      services: { web: { kind: "http", path: "apps/web", build: { bundle: "src/main.ts" } } },
      environments,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const wanted = makeRelease(
      { version, services: { web: { artifact: sha256(version) } }, config: parsed.config },
      sha256,
    );
    sent.set(sha256(version), new Uint8Array());
    await api("/releases", { method: "POST", body: wanted });
    const body = { environment: "production", release: version };
    return (await api("/deployments", { method: "POST", body })).body.deployment;
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

test("why tells which releases a return could choose, and that it chose the last that stood its bake", async () => {
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version));
  const { deployment } = (await ordered("rollback")).body;
  const why = async () => (await api(`/deployments/${deployment.id}/why`)).body.decisions[0];
  expect(await why()).toMatchObject({
    kind: "requested",
    replay: { result: "same" },
    inputs: expect.arrayContaining([
      "v3 stood in production",
      expect.stringMatching(/^v2 \(.*stood its bake; chosen$/),
    ]),
  });
  await succeed(deployment);
  // What came later has no part in it.
  expect((await why()).inputs).toContain("v3 stood in production");
  const named = (await ordered("rollback", { to: "3" })).body.deployment;
  const { inputs, replay } = (await api(`/deployments/${named.id}/why`)).body.decisions[0];
  expect(inputs.at(-1)).toBe("v3 was named; nobody naming one, it would be v1");
  expect(replay).toEqual({ result: "same" });
});

test("a drill, a restart and an emergency are shown before they are asked for", async () => {
  for (const version of ["1", "2"]) await succeed(await deployed(version));
  const preview = async (body: object) => (await ordered("preview", body)).body;
  expect((await preview({ order: "drill" })).plan).toMatchObject({
    drill: true,
    services: { web: { candidate: "web-1" } },
  });
  expect((await preview({ order: "rollback", all: true })).plan.returns).toMatchObject({
    services: "each",
    withinMs: 300_000,
  });
  const drill = (await ordered("drill")).body.deployment;
  expect(drill).toMatchObject({ purpose: "drill", release: { version: "1" }, intent: { queue: "wait" } });
  expect(await ordered("restart")).toMatchObject({
    status: 409,
    body: { detail: `${drill.id} is under way in production` },
  });
});

test("a service goes only when no configuration has it any more, and a person says so", async () => {
  await succeed(await deployed("1"));
  expect(await ordered("retire", { services: ["web"] })).toMatchObject({
    status: 409,
    body: { detail: "v1, which stands in production, has web" },
  });
  const next = await deployed("2");
  await planned(next);
  await store.journal.append(next.id, 2, {
    kind: "ended",
    outcome: "succeeded",
    stands: { web: "web-2", mailer: "mailer-1" },
  });
  expect((await ordered("retire", { services: ["mailer"] })).body.deployment).toMatchObject({
    purpose: "retire",
    intent: { retire: { mailer: { size: 1 } }, services: {} },
  });
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
describe("metrics that services push by OpenTelemetry", () => {
  const buckets = [0.005, 0.05, 0.5, 5];
  const seconds = "http.server.request.duration";

  async function service(
    revision: string,
    {
      temporality,
      isExponential,
      isJson,
    }: { temporality: AggregationTemporality; isExponential: boolean; isJson: boolean },
    port: number,
  ) {
    const options = {
      url: `http://127.0.0.1:${port}/v1/metrics`,
      headers: { authorization: `Bearer ${metricsTokenOf(token)}` },
      compression: CompressionAlgorithm.GZIP,
      temporalityPreference: temporality,
    };
    const exporter = isJson ? new JsonExporter(options) : new ProtoExporter(options);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
    const aggregation = isExponential
      ? { type: AggregationType.EXPONENTIAL_HISTOGRAM as const }
      : { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM as const, options: { boundaries: buckets } };
    const provider = new MeterProvider({
      resource: resourceFromAttributes({
        "service.name": "web",
        "deployment.environment.name": "production",
        "sluice.revision": revision,
        "service.instance.id": `${revision}-a`,
      }),
      readers: [reader],
      views: [{ instrumentName: seconds, aggregation }],
    });
    const durations = provider.getMeter("test").createHistogram(seconds, { unit: "s" });
    return {
      answer: (status: number, took: number) =>
        durations.record(took, {
          "http.request.method": "GET",
          "http.route": "/orders",
          "http.response.status_code": status,
        }),
      push: () => provider.forceFlush(),
      stop: () => provider.shutdown(),
    };
  }

  const { CUMULATIVE, DELTA } = AggregationTemporality;
  test.each([
    { temporality: CUMULATIVE, isExponential: false, isJson: false },
    { temporality: DELTA, isExponential: false, isJson: true },
    { temporality: CUMULATIVE, isExponential: true, isJson: true },
    { temporality: DELTA, isExponential: true, isJson: false },
  ])("are counted whole, on their side, by route: $temporality $isExponential $isJson", async (how) => {
    const listening = await listen(server.app, { port: 0 });
    const [old, fresh] = await Promise.all([
      service("web-1", how, listening.port),
      service("web-2", how, listening.port),
    ]);
    const started = Date.now();
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 8; i++) old.answer(i === 0 ? 500 : 200, 0.02);
      fresh.answer(200, 2);
      await Promise.all([old.push(), fresh.push()]);
      await sleep(250);
    }
    await Promise.all([old.stop(), fresh.stop()]);
    const observed = await readPushed(
      { environment: "production", service: "web", stable: "web-1", candidate: "web-2", since: started },
      { pushed: store.pushed, intervalMs: 500, nowMs: started + 10_000 },
    );
    const counted = observed.filter(isInterval);
    const sum = (side: "stable" | "candidate", of: "requests" | "errors") =>
      counted.reduce((all, one) => all + (one[side]["GET /orders"]?.[of] ?? 0), 0);
    // Of the first report nobody knows since when it counts; the interval of the last is not over.
    expect(sum("stable", "requests")).toBeGreaterThanOrEqual(8);
    expect(sum("stable", "requests")).toBeLessThanOrEqual(32);
    expect(sum("stable", "errors")).toBeGreaterThanOrEqual(1);
    expect(Math.abs(sum("stable", "requests") / 8 - sum("candidate", "requests"))).toBeLessThanOrEqual(1);
    const slowest = (side: "stable" | "candidate") => {
      const [one] = counted.flatMap((interval) => {
        const latency = interval[side]["GET /orders"]?.latency ?? [];
        const b = latency.findLastIndex((count) => count > 0);
        return b < 0 ? [] : [2 ** (interval.buckets?.log2Edges[b + 1] ?? 0)];
      });
      return Math.round(one ?? 0);
    };
    if (how.isExponential) {
      expect(slowest("stable")).toBeGreaterThanOrEqual(20);
      expect(slowest("stable")).toBeLessThan(23);
      expect(slowest("candidate")).toBeLessThan(2_300);
    } else expect([slowest("stable"), slowest("candidate")]).toEqual([50, 5_000]);
    await listening.close();
  });

  test("what is no such request is refused in a sentence, what belongs to no release is told, and the token for it does nothing else", async () => {
    const push = (body: string, headers: Record<string, string> = {}) =>
      server.app.request("/v1/metrics", {
        method: "POST",
        headers: {
          host,
          authorization: `Bearer ${metricsTokenOf(token)}`,
          "content-type": "application/json",
          ...headers,
        },
        body,
      });
    expect(await (await push("nonsense", { "content-type": "application/x-protobuf" })).json()).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/^this is no OTLP request: /),
    });
    expect((await push("nonsense", { "content-encoding": "gzip" })).status).toBe(400);
    const nobody = await push('{"resourceMetrics":[{"resource":{},"scopeMetrics":[]}]}');
    expect((await nobody.json()).partialSuccess.errorMessage).toMatch(/^a resource without service.name/);
    const { token: given } = await (
      await raw("/api/v1/metrics-token", { headers: { authorization: `Bearer ${token}` } })
    ).json();
    expect(given).toBe(metricsTokenOf(token));
    expect((await raw("/metrics", { headers: { authorization: `Bearer ${given}` } })).status).not.toBe(401);
    expect((await raw("/api/v1/metrics-token", { headers: { authorization: `Bearer ${given}` } })).status).toBe(401);
    expect((await push("{}", { authorization: "Bearer wrong" })).status).toBe(401);
    expect(
      (await raw("/api/v1/status", { headers: { authorization: `Bearer ${metricsTokenOf(token)}` } })).status,
    ).toBe(401);
  });
});

test("a watch that found a release bad asks for one return, which a person may have to let in, and which is in nobody's way", async () => {
  await succeed(await deployed("1"));
  const bad = await deployed("2");
  await succeed(bad);
  const desk = { records: store, places };
  const run = (await api(`/deployments/${bad.id}`)).body.deployment;
  expect(await store.environments.standsOn(bad.id)).toBe("here");
  const why = { because: "error share of web: 30 %, for 2 min", asks: true };
  const id = await returnAfterWatch(desk, run, why);
  expect([id, await returnAfterWatch(desk, run, why)]).toEqual([`${bad.id}-back`, `${bad.id}-back`]);
  const back = (await api(`/deployments/${id}`)).body.deployment;
  expect(back).toMatchObject({ by: "sluice", reason: why.because, rollbackOf: bad.id, release: { version: "1" } });
  await planned(back);
  expect(await store.environments.standsOn(bad.id)).toBe("moving");
  const person = (await ordered("rollback", { reason: "at once" })).body.deployment;
  expect(person.intent.admission).toBeUndefined();
  expect((await api(`/deployments/${id}`)).body.deployment.phase).toMatchObject({ kind: "turning" });
});

test("a drill is asked for when its schedule says so, once, and not while something is under way", async () => {
  const parsed = parseConfig({
    services: { web: { kind: "http", path: "apps/web", build: { bundle: "src/main.ts" } } },
    environments: { production: { drill: { every: "7d" } } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  for (const version of ["1", "2"]) {
    const artifact = sha256(version);
    const wanted = makeRelease({ version, services: { web: { artifact } }, config: parsed.config }, sha256);
    sent.set(artifact, new Uint8Array());
    await api("/releases", { method: "POST", body: wanted });
    const body = { environment: "production", release: version };
    await succeed((await api("/deployments", { method: "POST", body })).body.deployment);
  }
  const desk = { records: store, places };
  const today = await store.now();
  expect(await rehearseDue(desk, today)).toEqual([]);
  const [id = ""] = await rehearseDue(desk, today + 8 * 86_400_000);
  expect((await api(`/deployments/${id}`)).body.deployment).toMatchObject({ purpose: "drill", by: "sluice" });
  expect(await rehearseDue(desk, today + 8 * 86_400_000)).toEqual([]);
});
