// Hostile bytes against the router on real sockets: each case of the two lists with what must happen.
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, createServer as createNetServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostileAnswers } from "./hostile-answers.ts";
import { hostileRequests } from "./hostile-requests.ts";
import { Router } from "./router.ts";

const router = new Router();
const entry = createNetServer({ pauseOnConnect: true });
const asked: { line: string; body: string }[] = [];
const honest = createServer((asking, response) => {
  let body = "";
  asking.on("data", (part) => (body += part));
  asking.on("end", () => {
    asked.push({ line: `${asking.method} ${asking.url}`, body });
    response.end("honest");
  });
});
let answerBytes = "";
let staysOpen = false;
const hostile = createNetServer((socket) => {
  socket.on("data", () => {
    socket.write(answerBytes, "latin1");
    if (!staysOpen) socket.end();
  });
  socket.on("error", () => socket.destroy());
});

beforeAll(async () => {
  for (const server of [entry, honest, hostile])
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  router.serve("entry", entry);
  const service = (server: Server) => ({
    revisions: { v1: { weight: 100, replicas: [{ id: "r1", port: (server.address() as AddressInfo).port }] } },
    routes: [],
    buffer: { maxMs: 0, maxBytes: 0 },
  });
  router.put({
    version: 1,
    listeners: [
      {
        id: "entry",
        rules: [
          { path: "/", service: "test/honest" },
          { host: "hostile", path: "/", service: "test/hostile" },
        ],
      },
    ],
    services: { "test/honest": service(honest), "test/hostile": service(hostile) },
  });
});
afterAll(async () => {
  await router.stop(0);
  honest.closeAllConnections();
  honest.close();
  hostile.close();
});

function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((entry.address() as AddressInfo).port, "127.0.0.1", () => socket.write(text, "latin1"));
    let all = "";
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => (all += part));
    socket.on("close", () => resolve(all));
    socket.on("error", reject);
  });
}

const statuses = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1]));

describe("requests", () => {
  test.each(hostileRequests.map((c) => [c.name, c] as const))("%s", async (_, { bytes, must }) => {
    asked.length = 0;
    const answer = await sendRaw(bytes);
    if (typeof must === "number") {
      expect(statuses(answer)).toEqual([must]);
      expect(answer).toMatch(/x-sluice-error: [\w-]+/);
      expect(asked).toEqual([]);
    } else {
      expect(statuses(answer)).toEqual([200]);
      expect(asked).toEqual([{ line: must.ask, body: must.body ?? "" }]);
    }
  });

  test("behind a good request on the same connection every case ends the same way", async () => {
    for (const { name, bytes, must } of hostileRequests) {
      asked.length = 0;
      const answer = await sendRaw(`GET /first HTTP/1.1\r\nHost: a\r\n\r\n${bytes}`);
      const [status, seen] = typeof must === "number" ? [must, []] : [200, [{ line: must.ask, body: must.body ?? "" }]];
      expect([name, statuses(answer)]).toEqual([name, [200, status]]);
      expect([name, asked]).toEqual([name, [{ line: "GET /first", body: "" }, ...seen]]);
    }
  });

  test("every case, cut into single bytes, ends the same way", async () => {
    const short = hostileRequests.filter((c) => c.bytes.length < 300);
    for (const { name, bytes, must } of short) {
      const answer = await dribble(bytes);
      expect([name, statuses(answer)]).toEqual([name, [typeof must === "number" ? must : 200]]);
    }
  });
});

/** One write a byte: the kernel joins some of them, the reader must not mind where. */
function dribble(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: (entry.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
    let all = "";
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => (all += part));
    socket.on("close", () => resolve(all));
    socket.on("error", () => resolve(all));
    let i = 0;
    const next = (): void => {
      if (i < text.length && socket.writable) socket.write(text[i++] ?? "", "latin1", () => setImmediate(next));
    };
    socket.on("connect", next);
  });
}

describe("answers", () => {
  test.each(hostileAnswers.map((c) => [c.name, c] as const))("%s", async (_, c) => {
    answerBytes = c.bytes;
    staysOpen = c.staysOpen ?? false;
    const got = await askHostile(c.method ?? "GET");
    if (c.must === 502)
      expect(got).toMatchObject({ status: 502, isWhole: true, error: expect.stringMatching(/^upstream-/) });
    else if (c.must === "cut") expect(got.isWhole).toBe(false);
    else expect(got).toMatchObject({ ...c.must, isWhole: true });
    expect(got.hop).toBeUndefined();
  });
});

test.each([0, 20])("what a replica sends behind its answer (%i ms later) is no answer to the next", async (laterMs) => {
  answerBytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";
  staysOpen = true;
  const behind = (socket: Socket): void => {
    setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"), laterMs);
  };
  hostile.once("connection", (socket: Socket) => socket.once("data", () => behind(socket)));
  const bodies = [(await askHostile("GET")).body];
  await new Promise((resolve) => setTimeout(resolve, laterMs * 3));
  for (let i = 0; i < 3; i++) bodies.push((await askHostile("GET")).body);
  expect(bodies).toEqual(Array(4).fill("first"));
});

interface Got {
  status: number;
  body: string;
  isWhole: boolean;
  error: string | undefined;
  hop: unknown;
}

function askHostile(method: string): Promise<Got> {
  return new Promise((resolve) => {
    const { port } = entry.address() as AddressInfo;
    const cut: Got = { status: 0, body: "", isWhole: false, error: undefined, hop: undefined };
    const asking = request(
      { host: "127.0.0.1", port, method, headers: { host: "hostile" }, agent: false },
      (response: IncomingMessage) => {
        let body = "";
        response.on("data", (part) => (body += part));
        response.on("error", () => resolve(cut));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body,
            isWhole: response.complete,
            error: response.headers["x-sluice-error"]?.toString(),
            hop: response.headers["x-hop"] ?? response.headers["keep-alive"],
          }),
        );
      },
    );
    asking.on("error", () => resolve(cut));
    asking.end();
  });
}

test("the corpus has at least 300 cases, none twice", () => {
  const names = [...hostileRequests, ...hostileAnswers].map((c) => c.bytes);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(300);
});
