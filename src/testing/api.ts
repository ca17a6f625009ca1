// For the server's tests: the whole API over a real PostgreSQL, asked without a socket; what it asks of the machine is played.
// Importing it registers the hooks that open it afresh for each test.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { reportsOf } from "../adapters/metrics/otlp/reports.ts";
import { parsePushed } from "../adapters/metrics/otlp/request.ts";
import { openStore, type Store } from "../adapters/postgres/store.ts";
import { type Config, parseConfig } from "../domain/config/config.ts";
import { intentFor } from "../domain/intent.ts";
import { plan as planOf } from "../domain/plan.ts";
import { configOf, makeRelease, type Release } from "../domain/release.ts";
import type { Run } from "../domain/run.ts";
import type { Places } from "../server/records.ts";
import { createServer, type Server } from "../server/server.ts";
import { embeddedPostgres } from "./postgres.ts";

export const database = embeddedPostgres();
export const host = "127.0.0.1:4400";
export const token = `sluice_${"t".repeat(43)}`;
export const pageFolder = mkdtempSync(join(tmpdir(), "sluice-page-"));
/** Artifacts that are here. */
export const sent = new Map<string, Uint8Array>();
export const logged: unknown[] = [];
export let store: Store;
export let server: Server;

let now = Date.parse("2026-01-01");
export const clock = {
  now: () => now,
  sleep: async () => {},
  pass: (ms: number) => {
    now += ms;
  },
};

const stop = new AbortController();
const publicUrl = "http://127.0.0.1:8080";
const arrived = new Map<string, Buffer>();
let maintained: Awaited<ReturnType<Places["inMaintenance"]>> = {};
let workspaces = 0;
let ids = 0;

export const places: Places = {
  intend: async (wanted, environment) =>
    intentFor({ config: configOf(wanted), environment, revisions: { web: `web-${wanted.version}` }, publicUrl }),
  restart: async (wanted, environment, { stands, tag }) =>
    intentFor({
      config: configOf(wanted),
      environment,
      revisions: Object.fromEntries(Object.entries(stands).map(([name, revision]) => [name, `${revision}-r${tag}`])),
      publicUrl,
    }),
  publicUrl: async () => publicUrl,
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
    clock,
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

export interface Options {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** With the token, unless a header says otherwise; an empty one is left out. */
export async function raw(path: string, { method = "GET", headers = {}, body }: Options = {}): Promise<Response> {
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

export async function api(path: string, options: Options = {}) {
  const response = await raw(`/api/v1${path}`, options);
  return { status: response.status, body: await response.json() };
}

export async function ordered(order: string, body: object = {}) {
  return api(`/environments/production/${order}`, { method: "POST", body });
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function configWith(environments: object): Config {
  const parsed = parseConfig({
    services: { web: { kind: "http", path: "apps/web", build: { bundle: "src/main.ts" } } },
    environments,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const plain = configWith({ production: { target: { kind: "processes" } } });

export function release(version: string, config = plain): Release {
  return makeRelease({ version, services: { web: { artifact: sha256(version) } }, config }, sha256);
}

/** Recorded, with its artifact. */
export async function sendRelease(version: string, config = plain): Promise<void> {
  sent.set(sha256(version), new Uint8Array());
  await api("/releases", { method: "POST", body: release(version, config) });
}

export async function deployed(
  version: string,
  { config = plain, headers = {} }: { config?: Config; headers?: Record<string, string> } = {},
): Promise<Run> {
  await sendRelease(version, config);
  const body = { environment: "production", release: version };
  return (await api("/deployments", { method: "POST", headers, body })).body.deployment;
}

/** What a worker would write. */
export async function planned(run: Run): Promise<void> {
  const { stands } = await store.environments.standing("production", run.id);
  await store.journal.append(run.id, 1, { kind: "planned", plan: planOf(run.intent, stands), stands });
}

/** What a worker would write. */
export async function succeed(run: Run): Promise<void> {
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
