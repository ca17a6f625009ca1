// What a service may ask of the router beyond weights: sessions, mirrors, ejection, guards, trust, the access log.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { clientOf } from "./addresses.ts";
import { type Answer, ask, closeAll, onEnd, one, raw, replica, routerWith, says, until } from "./test-bench.ts";

afterEach(closeAll);

const cookieOf = (answer: Answer): string => answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";

test("sessions stay where they are, and follow the weights only as far as these move", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port: v2 } = await replica(says("v2"));
  const sticky = { cookie: "seat" };
  const weights = (a: number, b: number) => ({ revisions: { v1: one(a, v1), v2: one(b, v2, "r2") }, sticky });
  const { port, put } = await routerWith(weights(80, 20));
  const sessions: { cookie: string; first: string }[] = [];
  for (let i = 0; i < 100; i++) {
    const answer = await ask(port);
    sessions.push({ cookie: cookieOf(answer), first: answer.body });
  }
  expect(sessions.filter((s) => s.first === "v2")).toHaveLength(20);
  const now = () => Promise.all(sessions.map(async (s) => (await ask(port, { headers: { cookie: s.cookie } })).body));
  expect(await now()).toEqual(sessions.map((s) => s.first));
  put(weights(40, 60));
  const shifted = await now();
  expect(sessions.every((s, i) => s.first === "v1" || shifted[i] === "v2")).toBe(true);
  const moved = shifted.filter((v) => v === "v2").length;
  expect(moved).toBeGreaterThan(35);
  expect(moved).toBeLessThan(85);
  put(weights(100, 0));
  expect(new Set(await now())).toEqual(new Set(["v1"]));
});

test("a session's cookie that nobody signed is no session", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) }, sticky: { cookie: "seat" } });
  const answer = await ask(port, { headers: { cookie: "seat=9999.forged" } });
  expect(cookieOf(answer)).toMatch(/^seat=\d+\.[\w-]{22}$/);
});

test("a mirror gets copies of reads, and nobody waits for its answers", async () => {
  const { port: v1 } = await replica(says("v1"));
  const copies: string[] = [];
  const { port: v2 } = await replica(
    (request) => void copies.push(`${request.method} ${request.headers["x-sluice-mirror"]}`),
  );
  const { port, router } = await routerWith({
    revisions: { v1: one(100, v1), v2: one(0, v2, "r2") },
    mirror: { to: "v2", percent: 50 },
  });
  for (let i = 0; i < 10; i++) expect((await ask(port)).body).toBe("v1");
  await ask(port, { method: "POST", body: "x" });
  await until(() => copies.length === 5);
  expect(copies).toEqual(Array(5).fill("GET 1"));
  expect(router.metrics()).toContain('sluice_mirrored_total{service="test/web",revision="v2"} 5');
});

test("a replica that keeps cutting answers is left out, until half of its revision would be", async () => {
  const { port: good } = await replica(says("good"));
  const { port: bad } = await replica((request) => request.socket.destroy());
  const replicas = [
    { id: "r1", port: good },
    { id: "r2", port: bad },
  ];
  const ejection = { failuresInRow: 2, forMs: 60_000 };
  const { port, put, router } = await routerWith({ revisions: { v1: { weight: 100, replicas } }, ejection });
  const failed = async (n: number): Promise<number> => {
    let count = 0;
    for (let i = 0; i < n; i++) if ((await ask(port, { method: "POST", body: "x" })).status === 502) count++;
    return count;
  };
  expect(await failed(20)).toBe(2);
  expect(router.seen().services["test/web"]?.revisions.v1?.replicas.r2?.ejected).toBe(true);
  put({ revisions: { v1: { weight: 100, replicas: [{ id: "r2", port: bad }] } }, ejection });
  expect(await failed(3)).toBe(3);
});

test("retries stay within their share of all requests", async () => {
  let asked = 0;
  const { port: v1 } = await replica((request) => {
    asked++;
    request.socket.destroy();
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) }, ejection: { failuresInRow: 1e9, forMs: 0 } });
  for (let i = 0; i < 100; i++) await ask(port);
  expect(asked).toBeGreaterThan(100);
  expect(asked).toBeLessThanOrEqual(100 + 10 + 20);
});

test("a client that asks too often gets 429, another does not", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port } = await routerWith(
    { revisions: { v1: one(100, v1) }, rateLimit: { perSecond: 0.001, burst: 3 } },
    { listener: { trusted: ["127.0.0.0/8"] } },
  );
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await ask(port)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect((await ask(port, { headers: { "x-forwarded-for": "203.0.113.9" } })).status).toBe(200);
});

test("what one client has to itself is its address, or a whole /64 of IPv6", () => {
  expect(
    ["192.0.2.1", "2001:db8:1:2::9", "2001:0db8:1:2:3:4:5:6", "2001:db8::1", "::ffff:1.2.3.4"].map(clientOf),
  ).toEqual(["192.0.2.1", "2001:db8:1:2::/64", "2001:db8:1:2::/64", "2001:db8:0:0::/64", "0:0:0:0::/64"]);
});

test("paths with an allow-list answer only its addresses, however the path is spelled", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port } = await routerWith({
    revisions: { v1: one(100, v1) },
    allow: [{ path: "/admin", from: ["10.0.0.0/8"] }],
  });
  expect((await ask(port, { path: "/administrators" })).status).toBe(200);
  for (const path of [
    "/admin",
    "/admin/users",
    "//admin",
    "/%61dmin",
    "/ADMIN/",
    "/x/%2e%2e%2fadmin",
    "/admin;a=b/c",
    "/%2561dmin",
    "/admin/..;/x",
    "/admin/%2e%2e%2fx",
    "/admin\\..\\x",
    "/x/..%5cadmin",
    "/admin%3fx",
    "/%25252561dmin",
  ])
    expect([path, (await ask(port, { path })).status]).toEqual([path, 403]);
});

test("X-Forwarded-* is believed of a trusted proxy only, and never beyond it", async () => {
  const { port: v1 } = await replica((request, response) => response.end(JSON.stringify(request.headers)));
  const spoof = {
    "x-forwarded-for": "6.6.6.6, 203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.test",
  };
  const trusting = await routerWith({ revisions: { v1: one(100, v1) } }, { listener: { trusted: ["127.0.0.1"] } });
  const seen = JSON.parse((await ask(trusting.port, { headers: spoof })).body);
  expect(seen).toMatchObject({
    "x-forwarded-for": "6.6.6.6, 203.0.113.9, 127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.test",
    forwarded: 'for=203.0.113.9;host="shop.test";proto=https',
  });
  const wary = await routerWith({ revisions: { v1: one(100, v1) } });
  expect(JSON.parse((await ask(wary.port, { headers: spoof })).body)).toMatchObject({
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
  });
});

test("what only a proxy may say is dropped of clients, however it is spelled, and passed on of a trusted proxy", async () => {
  const { port: v1 } = await replica((request, response) => response.end(JSON.stringify(request.headers)));
  const said = {
    "x-forwarded-prefix": "/shop",
    "x-forwarded-user": "root",
    x_forwarded_for: "10.0.0.1",
    x_real_ip: "10.0.0.1",
    "x-sluice-mirror": "1",
    via: "1.1 cdn",
  };
  const wary = await routerWith({ revisions: { v1: one(100, v1) } });
  const seen = JSON.parse((await ask(wary.port, { headers: said })).body);
  expect(Object.keys(seen).filter((name) => name in said)).toEqual(["via"]);
  expect(seen.via).toBe("1.1 cdn, 1.1 sluice");
  const trusting = await routerWith({ revisions: { v1: one(100, v1) } }, { listener: { trusted: ["127.0.0.1"] } });
  const believed = JSON.parse((await ask(trusting.port, { headers: said })).body);
  expect(Object.keys(believed).filter((name) => name in said)).toEqual([
    "x-forwarded-prefix",
    "x-forwarded-user",
    "via",
  ]);
});

test("the standard Forwarded is believed of a trusted proxy, as far back as proxies are trusted", async () => {
  const { port: v1 } = await replica((request, response) => response.end(JSON.stringify(request.headers)));
  const trusted = ["127.0.0.1", "10.0.0.0/8"];
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } }, { listener: { trusted } });
  const forwarded = [
    'for=6.6.6.6;proto=http;host="evil, a.test"',
    'for="[2001:db8::7]:4711";proto=https;host=shop.test',
    "for=10.1.2.3:80;proto=http;host=inner.test",
  ].join(", ");
  expect(JSON.parse((await ask(port, { headers: { forwarded } })).body)).toMatchObject({
    "x-forwarded-for": "6.6.6.6, 2001:db8::7, 10.1.2.3, 127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.test",
    forwarded: 'for="[2001:db8::7]";host="shop.test";proto=https',
  });
  const hidden = JSON.parse((await ask(port, { headers: { forwarded: "for=_secret;proto=https" } })).body);
  expect([hidden["x-forwarded-for"], hidden["x-forwarded-proto"]]).toEqual(["127.0.0.1", "https"]);
});

test("who takes trailers may say so to the replica", async () => {
  const { port: v1 } = await replica((request, response) => response.end(`${request.headers.te}`));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  expect((await ask(port, { headers: { te: "trailers, deflate;q=0.5" } })).body).toBe("trailers");
  expect((await ask(port, { headers: { te: "gzip" } })).body).toBe("undefined");
});

test("a body over the limit is 413, said or found out", async () => {
  const { port: v1 } = await replica((request, response) => request.resume().on("end", () => response.end()));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) }, bodyBytesMax: 1_000 });
  const body = "x".repeat(2_000);
  expect((await ask(port, { method: "POST", body })).status).toBe(413);
  expect((await ask(port, { method: "POST", body, headers: { "transfer-encoding": "chunked" } })).status).toBe(413);
});

test("an answer over the limit is 502 if its length is said, and cut where it is found out; an event stream has none", async () => {
  const { port: v1 } = await replica((request, response) => {
    if (request.url === "/said") return void response.end("x".repeat(2_000));
    if (request.url === "/events") response.setHeader("content-type", "text/event-stream");
    response.write("x".repeat(800));
    setTimeout(() => response.end("x".repeat(800)), 20);
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) }, answerBytesMax: 1_000 });
  const said = await ask(port, { path: "/said" });
  expect([said.status, said.headers["x-sluice-error"]]).toEqual([502, "answer-too-long"]);
  await expect(ask(port, { path: "/found-out" })).rejects.toThrow();
  expect((await ask(port, { path: "/events" })).body).toHaveLength(1_600);
});

test("an answer that does not come in time is 504", async () => {
  const { port: v1 } = await replica(() => {});
  const { port } = await routerWith({ revisions: { v1: one(100, v1) }, answerMs: 50 });
  const answer = await ask(port);
  expect([answer.status, answer.headers["x-sluice-error"]]).toEqual([504, "upstream-timeout"]);
});

test("the access log has every error and a sample of the rest, with request id and trace context", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-log-"));
  onEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "access.log");
  const { port: v1 } = await replica((request, response) => {
    response.statusCode = request.url?.startsWith("/broken") ? 500 : 200;
    response.end(request.headers.traceparent);
  });
  const { port } = await routerWith(
    { revisions: { v1: one(100, v1) } },
    { listener: { accessLog: { file, samplePercent: 10 } } },
  );
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const headers = { traceparent, "x-request-id": "abc-1" };
  for (let i = 0; i < 20; i++) expect((await ask(port, { headers })).body).toBe(traceparent);
  await ask(port, { path: "/broken?secret=1", headers });
  const lines = (): Record<string, unknown>[] => {
    try {
      return readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  };
  await until(() => lines().length === 3);
  expect(lines()[2]).toMatchObject({
    status: 500,
    path: "/broken",
    requestId: "abc-1",
    traceparent,
    revision: "v1",
    client: "127.0.0.1",
  });
});

test("who was turned away is in the access log, with the reason, and who made no sense, too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-log-"));
  onEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "access.log");
  const { port } = await routerWith(
    { allow: [{ path: "/", from: ["10.0.0.0/8"] }] },
    { listener: { accessLog: { file, samplePercent: 100 }, trusted: ["127.0.0.1"] } },
  );
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await ask(port, { path: "/secret", headers: { traceparent, "x-forwarded-for": "203.0.113.9" } });
  await raw(port, "GET /\x01 HTTP/1.1\r\n\r\n");
  await until(() => existsSync(file) && readFileSync(file, "utf8").split("\n").length === 3);
  const requestId = expect.stringMatching(/^[\da-f]{12}-/);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      status: 403,
      error: "address-not-allowed",
      service: "test/web",
      requestId,
      path: "/secret",
      client: "203.0.113.9",
      traceparent,
    },
    { status: 400, error: "malformed-request-target", service: "", requestId, client: "127.0.0.1" },
  ]);
});

test("a listener's own patience with slow clients is kept", async () => {
  const { port } = await routerWith({}, { listener: { patience: { headMs: 100 } } });
  expect(await raw(port, "GET / HTTP/1.1\r\nHos")).toMatch(/^HTTP\/1\.1 408 /);
});

test("one address has only so many connections at a time", async () => {
  const { port: v1 } = await replica(() => {});
  const { port } = await routerWith(
    { revisions: { v1: one(100, v1) }, answerMs: 600 },
    { listener: { connectionsPerClientMax: 2 } },
  );
  const answers = await Promise.all([ask(port), ask(port), ask(port)]);
  expect(answers.map((a) => a.status).sort()).toEqual([429, 504, 504]);
});

test("a table with an option that makes no sense is refused whole", async () => {
  const { router, put } = await routerWith({});
  expect(() => put({ allow: [{ path: "/", from: ["10.0.0.0/99"] }] })).toThrow(
    "services.test/web.allow[0]: needs path",
  );
  expect(router.seen().version).toBe(1);
});
