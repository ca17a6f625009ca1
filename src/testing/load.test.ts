// The load generator against real servers: its counts are what the demonstration claims, so they have to be exact.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Load, type LoadFigures, type LoadOptions, type Shot, startLoad } from "./load.ts";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close().closeAllConnections();
});

async function listen(listener: RequestListener, configure?: (server: Server) => void): Promise<string> {
  const server = createServer(listener);
  configure?.(server);
  open.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const get: Shot = { method: "GET", path: "/" };
const always = (shot: Shot) => ({ next: () => shot });

/** Sends until `count` requests have left, then lets the last ones end. */
async function sendAbout(count: number, options: Partial<LoadOptions> & { baseUrl: string }): Promise<LoadFigures> {
  const load = startLoad({ requestsPerSecond: 400, journey: always(get), ...options });
  await until(load, ({ sent }) => sent >= count);
  return load.stop();
}

async function until(load: Load, isSo: (figures: LoadFigures) => boolean): Promise<void> {
  while (!isSo(load.figures())) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("every request that a good server answers is counted once, as well served", async () => {
  let arrived = 0;
  const baseUrl = await listen((_, answer) => {
    arrived += 1;
    answer.end("hello");
  });
  const figures = await sendAbout(100, { baseUrl });
  expect(figures.sent).toBeGreaterThanOrEqual(100);
  expect(figures).toMatchObject({
    sent: arrived,
    wellServed: arrived,
    badServed: 0,
    failed: 0,
    inFlight: 0,
    reasons: {},
  });
});

test("requests leave on schedule although none is answered, and stop waits for the last answer", async () => {
  const waiting: ServerResponse[] = [];
  const baseUrl = await listen((_, answer) => waiting.push(answer));
  const load = startLoad({ baseUrl, requestsPerSecond: 400, journey: always(get) });
  await until(load, ({ inFlight }) => inFlight >= 50);
  const stopped = load.stop();
  await until(load, ({ sent }) => waiting.length === sent);
  for (const answer of waiting) answer.end();
  expect(await stopped).toMatchObject({ inFlight: 0, wellServed: waiting.length, failed: 0 });
});

test("an error of the service is badly served, an error made by Sluice is failed", async () => {
  let number = 0;
  const baseUrl = await listen((_, answer) => {
    number += 1;
    if (number % 4 === 0) answer.writeHead(500);
    if (number % 4 === 1) answer.writeHead(503, { "x-sluice-error": "nothing-ready" });
    answer.end();
  });
  const figures = await sendAbout(100, { baseUrl });
  expect(figures.reasons["status 500"]).toBe(figures.badServed);
  expect(figures.reasons["nothing-ready"]).toBe(figures.failed);
  expect(Math.abs(figures.badServed - figures.sent / 4)).toBeLessThanOrEqual(1);
  expect(figures.wellServed + figures.badServed + figures.failed).toBe(figures.sent);
});

test("an answer slower than the limit is badly served", async () => {
  const baseUrl = await listen((_, answer) => setTimeout(() => answer.end(), 40));
  const figures = await sendAbout(5, { baseUrl, requestsPerSecond: 50, slowAfterMs: 20 });
  expect(figures).toMatchObject({ badServed: figures.sent, reasons: { slow: figures.sent } });
});

test("a request that gets no answer, or half of one, is failed", async () => {
  const answers: Record<string, (request: IncomingMessage, answer: ServerResponse) => void> = {
    silent: () => {},
    reset: (request) => request.socket.destroy(),
    half: (request, answer) => {
      answer.writeHead(200, { "content-length": 10 });
      answer.write("half", () => request.socket.destroy());
    },
  };
  for (const [kind, answerTo] of Object.entries(answers)) {
    const baseUrl = await listen(answerTo);
    const figures = await sendAbout(5, { baseUrl, requestsPerSecond: 100, timeoutMs: 150 });
    expect({ kind, failed: figures.failed, well: figures.wellServed }).toEqual({ kind, failed: figures.sent, well: 0 });
  }
});

test("nobody listening is failed", async () => {
  const baseUrl = await listen(() => {});
  await new Promise((resolve) => open.pop()?.close(resolve));
  const figures = await sendAbout(5, { baseUrl });
  expect(figures).toMatchObject({ failed: figures.sent, reasons: { ECONNREFUSED: figures.sent } });
});

test("a server that closes kept connections right after answering makes no request fail", async () => {
  const baseUrl = await listen((request, answer) => answer.end("bye", () => request.socket.end()));
  const shots: Shot[] = [get, { method: "POST", path: "/", body: "{}" }, { method: "PUT", path: "/", body: "{}" }];
  let number = 0;
  const journey = { next: () => shots[number++ % shots.length] ?? get };
  const figures = await sendAbout(300, { baseUrl, journey });
  expect(figures).toMatchObject({ wellServed: figures.sent, failed: 0, reasons: {} });
});

test("a server that drops a kept connection when the next request arrives makes no request fail", async () => {
  const used = new WeakSet<object>();
  const baseUrl = await listen((request, answer) => {
    if (used.has(request.socket)) {
      request.socket.destroy();
      return;
    }
    used.add(request.socket);
    answer.end();
  });
  const figures = await sendAbout(100, { baseUrl });
  expect(figures).toMatchObject({ wellServed: figures.sent, failed: 0 });
  expect(figures.resent).toBeGreaterThan(0);
});

test("a request that may not be repeated is sent once and never over a kept connection", async () => {
  const connections = new Set<object>();
  let arrived = 0;
  const baseUrl = await listen((request, answer) => {
    arrived += 1;
    connections.add(request.socket);
    answer.end();
  });
  const figures = await sendAbout(20, { baseUrl, journey: always({ method: "POST", path: "/", body: "{}" }) });
  expect([arrived, connections.size]).toEqual([figures.sent, figures.sent]);
});
