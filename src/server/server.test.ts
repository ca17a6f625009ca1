// The HTTP API and the page as a whole: who is answered, what a wrong request hears, what comes live.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startEmbedded, stopEmbedded } from "../adapters/postgres/embedded/server.ts";
import type { Event } from "../domain/event.ts";
import {
  api,
  clock,
  database,
  deployed,
  host,
  logged,
  pageFolder,
  planned,
  raw,
  release,
  server,
  store,
  succeed,
  token,
} from "../testing/api.ts";
import { listen } from "./listen.ts";
import { routes } from "./routes/routes.ts";
import { localToken } from "./token-file.ts";

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
  clock.pass(5 * 60_000);
  expect((await raw(late.path, { headers: { authorization: "" } })).status).toBe(401);
  clock.pass(7 * 24 * 3_600_000);
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

test("the token is made once, and is nobody else's to read", () => {
  const file = join(pageFolder, "data", "token");
  const made = localToken(file);
  expect(made).toMatch(/^sluice_[\w-]{43}$/);
  expect(localToken(file)).toBe(made);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8").trim()).toBe(made);
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

test("maintenance is put on and off by a person, and the status says who and why", async () => {
  await succeed(await deployed("1"));
  const path = "/environments/production/services/web/maintenance";
  const closed = async () => (await api("/status")).body.environments[0].inMaintenance;
  const on = await api(path, { method: "PUT", body: { on: true, reason: "moving" } });
  expect(on).toEqual({ status: 200, body: { environment: "production", service: "web", on: true } });
  expect(await closed()).toEqual({ web: { by: "ana", at: clock.now(), reason: "moving" } });
  await api(path, { method: "PUT", body: { on: false } });
  expect(await closed()).toEqual({});
  const wrong = await api(path.replace("web", "wbe"), { method: "PUT", body: { on: true } });
  expect([wrong.status, wrong.body.detail]).toEqual([404, "there is no service wbe in production"]);
});

test("the values of secrets go in, and versions come out", async () => {
  const body = { values: { KEY: "s3cret-value" } };
  const answer = await api("/environments/production/secrets", { method: "PUT", body });
  expect(answer).toEqual({ status: 200, body: { versions: { KEY: "version" } } });
  expect(JSON.stringify([answer, logged])).not.toContain("s3cret-value");
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

test("a Prometheus scrapes /metrics with the token of the data folder, and nobody without", async () => {
  const scraped = await raw("/metrics");
  expect([scraped.status, scraped.headers.get("content-type"), await scraped.text()]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
    "sluice_requests_total 7\n",
  ]);
  expect((await raw("/metrics", { headers: { authorization: "" } })).status).toBe(401);
});

test("the page is served at any of its addresses, with no way to run foreign code in it", async () => {
  const start = await raw("/deployments/d-1", { headers: { authorization: "" } });
  expect(await start.text()).toContain("<title>Sluice</title>");
  expect(start.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect((await raw("/app.js", { headers: { authorization: "" } })).headers.get("content-type")).toMatch(
    /^text\/javascript/,
  );
  for (const outside of ["/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd"])
    expect(await (await raw(outside, { headers: { authorization: "" } })).text()).not.toContain("root:");
  expect((await raw("/gone.js")).status).toBe(404);
});

test("a taken port is told in one sentence", async () => {
  const { port, close } = await listen(server.app, { port: 0 });
  await expect(listen(server.app, { port })).rejects.toThrow(`port ${port} on 127.0.0.1 is taken by another program`);
  await close();
});
