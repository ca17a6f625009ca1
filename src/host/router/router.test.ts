// The router on real sockets: replicas are real HTTP servers on loopback, clients are Node's own and raw sockets.
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ask, closeAll, onEnd, one, raw, replica, routerWith, says, until } from "./test-bench.ts";

afterEach(closeAll);

test("passes a request on with who asked, and stamps the answer with the revision", async () => {
  const { port: v1 } = await replica((request, response) => response.end(JSON.stringify(request.headers)));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const answer = await ask(port, {
    headers: { "x-forwarded-for": "6.6.6.6", connection: "x-hop", "x-hop": "1", host: "shop.test" },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers["x-sluice-revision"]).toBe("v1");
  const seen: Record<string, string> = JSON.parse(answer.body);
  expect(seen).toMatchObject({ host: "shop.test", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "shop.test" });
  expect(seen["x-request-id"]).toMatch(/.+/);
  expect(seen["x-hop"]).toBeUndefined();
});

test("weights are exact in every hundred requests", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port: v2 } = await replica(says("v2"));
  const { port } = await routerWith({ revisions: { v1: one(93, v1), v2: one(7, v2, "r2") } });
  for (let round = 0; round < 3; round++) {
    const answers = [];
    for (let i = 0; i < 100; i++) answers.push((await ask(port)).body);
    expect(answers.filter((a) => a === "v2")).toHaveLength(7);
  }
});

test("bodies go both ways whole: sized, chunked, large, and until the connection ends", async () => {
  const { port: v1 } = await replica((request, response) => {
    if (request.url === "/close") response.setHeader("connection", "close");
    if (request.url === "/sized") response.setHeader("content-length", request.headers["content-length"] ?? "0");
    request.pipe(response);
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const large = "0123456789abcdef".repeat(200_000);
  for (const path of ["/", "/close", "/sized"]) {
    expect(
      (await ask(port, { method: "POST", path, headers: { "content-length": `${large.length}` }, body: large }))
        .body === large,
    ).toBe(true);
    const answer = await ask(port, {
      method: "POST",
      path,
      headers: { "transfer-encoding": "chunked" },
      body: "short",
    });
    if (path !== "/sized") expect(answer.body).toBe("short");
  }
});

test("an HTTP/1.0 client gets a chunked answer without its chunks", async () => {
  const { port: v1 } = await replica((_, response) => {
    response.write("one ");
    response.end("two");
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const answer = await raw(port, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer.endsWith("\r\n\r\none two")).toBe(true);
  expect(answer).not.toMatch(/transfer-encoding/i);
});

test("requests sent ahead are answered in order on one connection", async () => {
  const { port: v1 } = await replica((request, response) => response.end(request.url));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const answer = await raw(
    port,
    `${[1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join("")}GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  expect([...answer.matchAll(/\r\n\r\n(\/\d)/g)].map((m) => m[1])).toEqual(["/1", "/2", "/3", "/4"]);
});

test("a request held at a switch is answered when a replica is ready", async () => {
  const { port: v1 } = await replica(says("there"));
  const { port, put, router } = await routerWith({ revisions: { v1: { weight: 100, replicas: [] } } });
  const answer = ask(port, { method: "POST", body: "kept" });
  await until(() => !(router.seen().services["test/web"]?.buffered !== 1));
  put({ revisions: { v1: one(100, v1) } });
  expect((await answer).body).toBe("there");
});

test("a request that is held too long gets the maintenance page and the reason", async () => {
  const { port } = await routerWith({ buffer: { maxMs: 60, maxBytes: 1e6 }, maintenancePage: "<h1>soon</h1>" });
  const answer = await ask(port);
  expect(answer).toMatchObject({ status: 503, body: "<h1>soon</h1>" });
  expect(answer.headers["x-sluice-error"]).toBe("nothing-ready");
});

test("a request sent ahead of one that is turned away is answered, too", async () => {
  const { port } = await routerWith({ buffer: { maxMs: 60, maxBytes: 1e6 } });
  const answer = await raw(
    port,
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  expect(answer.match(/x-sluice-error: nothing-ready/g)).toHaveLength(2);
});

test("when the chosen revision's only replica is gone, the other serves at once", async () => {
  const { port: v1 } = await replica(says("v1"));
  const gone = await replica(says("v2"));
  gone.server.close();
  const { port } = await routerWith({ revisions: { v1: one(0, v1), v2: one(100, gone.port, "r2") } });
  for (let i = 0; i < 5; i++) expect((await ask(port, { method: "POST", body: "x" })).body).toBe("v1");
});

test("header, cookie, query and host rules outrank the weights; a preview host is never answered by another revision", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port: v2 } = await replica(says("v2"));
  const { port, put } = await routerWith({});
  const routes = [
    { match: { host: "preview.test" }, to: "v2" },
    { match: { header: "X-Version", value: "next" }, to: "v2" },
    { match: { cookie: "beta", value: "1" }, to: "v2" },
    { match: { query: "try", value: "new one" }, to: "v2" },
  ];
  put({ revisions: { v1: one(100, v1), v2: one(0, v2, "r2") }, routes });
  expect((await ask(port)).body).toBe("v1");
  expect((await ask(port, { headers: { host: "preview.test:80" } })).body).toBe("v2");
  expect((await ask(port, { headers: { "x-version": "next" } })).body).toBe("v2");
  expect((await ask(port, { headers: { cookie: "a=b; beta=1" } })).body).toBe("v2");
  expect((await ask(port, { path: "/cart?a=1&try=new%20one" })).body).toBe("v2");
  expect((await ask(port, { path: "/cart?try=new" })).body).toBe("v1");
  put({ revisions: { v1: one(100, v1), v2: { weight: 0, replicas: [] } }, routes, buffer: { maxMs: 0, maxBytes: 0 } });
  expect((await ask(port, { headers: { "x-version": "next" } })).body).toBe("v1");
  expect((await ask(port, { headers: { host: "preview.test" } })).headers["x-sluice-error"]).toBe("nothing-ready");
});

test("while there is no candidate, nobody answers its preview host", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) }, previewHosts: ["preview.test"] });
  const answer = await ask(port, { headers: { host: "preview.test" } });
  expect([answer.status, answer.headers["x-sluice-error"]]).toEqual([503, "no-revision"]);
  expect((await ask(port, { headers: { host: "shop.test" } })).body).toBe("v1");
});

test("in maintenance everybody gets the page, and nobody is asked", async () => {
  let asked = 0;
  const { port: v1 } = await replica((_, response) => void response.end(`${++asked}`));
  const { port, put } = await routerWith({ revisions: { v1: one(100, v1) } });
  const [own, plain] = [{ maintenancePage: "<p>Back at noon</p>" }, {}];
  for (const page of [own, plain]) {
    put({ revisions: { v1: one(100, v1) }, isInMaintenance: true, ...page });
    const answer = await ask(port, { method: "POST", body: "x" });
    expect([answer.status, answer.headers["x-sluice-error"]]).toEqual([503, "maintenance"]);
    expect(answer.headers["retry-after"]).toBe("60");
    expect(answer.body).toContain(page === own ? "Back at noon" : "Back soon");
  }
  put({ revisions: { v1: one(100, v1) } });
  expect((await ask(port)).body).toBe("1");
});

test("no more requests are held than the service says", async () => {
  const { port, put, router } = await routerWith({
    revisions: { v1: { weight: 100, replicas: [] } },
    buffer: { maxMs: 5_000, maxBytes: 1e6, maxRequests: 2 },
  });
  const held = [ask(port), ask(port)];
  await until(() => router.seen().services["test/web"]?.buffered === 2);
  expect((await ask(port)).headers["x-sluice-error"]).toBe("buffer-full");
  const { port: v1 } = await replica(says("v1"));
  put({ revisions: { v1: one(100, v1) } });
  expect((await Promise.all(held)).map((answer) => answer.body)).toEqual(["v1", "v1"]);
});

test("no more bytes are held than the service says", async () => {
  const { port, put, router } = await routerWith({
    revisions: { v1: { weight: 100, replicas: [] } },
    buffer: { maxMs: 5_000, maxBytes: 1_500 },
  });
  const long = { headers: { "x-padding": "p".repeat(1_000) } };
  const held = ask(port, long);
  await until(() => router.seen().services["test/web"]?.buffered === 1);
  expect((await ask(port, long)).headers["x-sluice-error"]).toBe("buffer-full");
  const { port: v1 } = await replica(says("v1"));
  put({ revisions: { v1: one(100, v1) } });
  expect((await held).body).toBe("v1");
});

test("a body that was too long to keep is not sent again, however harmless the method", async () => {
  let asked = 0;
  const { port: v1 } = await replica((request) => {
    asked++;
    request.resume().on("end", () => request.socket.destroy());
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const put = async (bytes: number) => (await ask(port, { method: "PUT", body: "x".repeat(bytes) })).status;
  expect([await put(300_000), asked]).toEqual([502, 1]);
  expect([await put(1_000), asked]).toEqual([502, 1 + 3]);
});

test("a replica that left the table gets nothing new, and is reported until nothing is in flight", async () => {
  const held: ServerResponse[] = [];
  const { port: v1 } = await replica((_, response) => void held.push(response));
  const { port: v2 } = await replica(says("v2"));
  const { port, put, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  const slow = ask(port);
  await until(() => held.length === 1);
  put({ revisions: { v2: one(100, v2, "r2") } });
  expect(router.seen().services["test/web"]?.revisions.v1?.replicas.r1).toMatchObject({ inFlight: 1, draining: true });
  expect((await ask(port)).body).toBe("v2");
  held[0]?.end("slow");
  expect((await slow).body).toBe("slow");
  expect(Object.keys(router.seen().services["test/web"]?.revisions ?? {})).toEqual(["v2"]);
});

test("a replica that leaves and comes back is still reported with what it had in flight", async () => {
  const held: ServerResponse[] = [];
  const { port: v1 } = await replica((_, response) => void held.push(response));
  const { port, put, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  const slow = ask(port);
  await until(() => held.length === 1);
  put({ revisions: { v1: { weight: 100, replicas: [] } } });
  put({ revisions: { v1: one(100, v1) } });
  const seen = () => router.seen().services["test/web"]?.revisions.v1;
  expect(seen()).toMatchObject({ inFlight: 1, replicas: { r1: { inFlight: 1, draining: false } } });
  held[0]?.end("slow");
  expect((await slow).body).toBe("slow");
  expect(seen()?.inFlight).toBe(0);
});

test("a request that may not be repeated goes on no connection that was idle for a while", async () => {
  const { port: v1, server } = await replica(says("v1"));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  await ask(port);
  await ask(port, { method: "POST", body: "x" });
  expect(connections).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await ask(port, { method: "POST", body: "x" });
  expect(connections).toBe(2);
});

test("an idempotent request goes to another connection when its own is cut; another kind is a 502 with its reason", async () => {
  let cuts = 0;
  const { port: v1 } = await replica((request, response) => {
    if (cuts++ % 2 === 0) request.socket.destroy();
    else response.end("second");
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  expect((await ask(port)).body).toBe("second");
  const answer = await ask(port, { method: "POST", body: "x" });
  expect(answer.status).toBe(502);
  expect(answer.headers).toMatchObject({ "x-sluice-error": "upstream-closed", "x-sluice-replica": "r1" });
});

test("counts requests, errors and latencies by revision, route class and replica", async () => {
  const { port: v1 } = await replica((request, response) => {
    response.statusCode = request.url === "/broken" ? 500 : 200;
    response.end();
  });
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  for (let i = 0; i < 6; i++) await ask(port, { path: `/orders/${1_000 + i}` });
  await ask(port, { path: "/broken" });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const counted = router.intervals({ service: "test/web", sinceMs: 0 }) ?? [];
  const classes = counted.flatMap((i) => Object.entries(i.revisions.v1?.classes ?? {}));
  const sum = (name: string, of: "requests" | "errors") =>
    classes.filter(([n]) => n === name).reduce((s, [, c]) => s + c[of], 0);
  expect([sum("GET /orders/:id", "requests"), sum("GET /orders/:id", "errors"), sum("GET /broken", "errors")]).toEqual([
    6, 0, 1,
  ]);
  const buckets = classes.flatMap(([, c]) => c.latency).reduce((s, n) => s + n, 0);
  expect(buckets).toBe(6);
  expect(router.metrics()).toContain(
    'sluice_requests_total{service="test/web",revision="v1",route="GET /orders/:id"} 6',
  );
});

test("a WebSocket passes through, and a drain closes it with 1012 between two messages", async () => {
  const { port: v1, server } = await replica(says(""));
  server.on("upgrade", (request: IncomingMessage, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.write(Buffer.from([0x81, 0x02, 0x68, 0x69]));
    socket.on("error", () => {});
    onEnd(() => void socket.destroy());
  });
  const { port, put } = await routerWith({ revisions: { v1: one(100, v1) } });
  const bytes: Buffer[] = [];
  const client = connect(port, "127.0.0.1");
  client.write("GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const closed = new Promise<void>((resolve) => client.on("close", () => resolve()));
  client.on("data", (part) => {
    bytes.push(part);
    if (part.includes("hi")) put({ revisions: {} });
  });
  await closed;
  expect(Buffer.concat(bytes).subarray(-4)).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xf4]));
});
