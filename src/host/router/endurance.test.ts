// Bad company: slow clients, endless answers, resets anywhere. Each must cost little and break nothing for the others.
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { RequestBody } from "./request-body.ts";
import { ask, closeAll, listening, onEnd, one, portOf, raw, replica, routerWith, says, until } from "./test-bench.ts";

afterEach(closeAll);

const limits = { headMs: 100, idleMs: 300, bodyStallMs: 100, answerMs: 60_000 };

/** A replica of bare sockets. */
async function bare(handle: (socket: Socket, bytes: Buffer) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = await listening(
    createServer((socket) => {
      sockets.push(socket);
      socket.on("data", (bytes) => handle(socket, bytes));
      socket.on("error", () => socket.destroy());
    }),
  );
  onEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server);
}

test("a head that comes in drops (slowloris) is given up, however steadily it drops", async () => {
  const { port } = await routerWith({}, { limits });
  const socket = connect(port, "127.0.0.1");
  let all = "";
  socket.on("data", (part) => {
    all += part;
  });
  socket.on("error", () => {});
  const dropping = setInterval(() => socket.write("X: y\r\n"), 20);
  onEnd(() => clearInterval(dropping));
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n");
  await new Promise((resolve) => socket.on("close", resolve));
  expect(all).toMatch(/^HTTP\/1\.1 408 .*head-timeout/s);
});

test("a body that stops coming is given up, and its replica is free again", async () => {
  const { port: v1 } = await replica(() => {});
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) } }, { limits });
  expect(await raw(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")).toContain("body-timeout");
  expect(router.seen().services["test/web"]?.revisions.v1?.inFlight).toBe(0);
});

test("an idle connection is closed after its time, not before its answer", async () => {
  const { port: v1 } = await replica(says("v1"));
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } }, { limits });
  expect(await raw(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toContain("v1");
  expect(await raw(port, "")).toBe("");
});

test("an answer that never ends is not gathered: a client that stops reading stops the replica", async () => {
  let sent = 0;
  let isBlocked = false;
  const v1 = await bare((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    const more = (): void => {
      while (!socket.destroyed && sent < 1e9) {
        sent += 65_536;
        if (!socket.write(Buffer.alloc(65_536))) {
          isBlocked = true;
          socket.once("drain", more);
          return;
        }
      }
    };
    more();
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const client = connect(port, "127.0.0.1", () => client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  onEnd(() => void client.destroy());
  client.pause();
  await until(() => isBlocked);
  let before = -1;
  for (let i = 0; i < 100 && before !== sent; i++) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // What the kernel's buffers and one read hold, not more.
  expect(sent).toBeLessThan(30e6);
});

test("a client that goes away frees its replica at once, wherever its request was cut", async () => {
  const { port: v1 } = await replica((asked, answer) => asked.pipe(answer));
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  const whole = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (let n = 0; n <= whole.length; n++) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(whole.slice(0, n), () => socket.resetAndDestroy()));
      socket.on("close", () => resolve());
      socket.on("error", () => {});
    });
  }
  await until(() => router.seen().services["test/web"]?.revisions.v1?.inFlight === 0);
  expect((await ask(port, { method: "POST", body: "still there" })).body).toBe("still there");
});

const framed = {
  chunks: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "a length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "the end of the connection": "HTTP/1.1 200 OK\r\n\r\nhello",
};
const calm = { failuresInRow: 1e9, forMs: 0 };

test.each(Object.entries(framed))(
  "a replica that resets at any byte of its answer (framed by %s) costs that request only, and no client half an answer unnoticed",
  async (framing, whole) => {
    let n = 0;
    const v1 = await bare((socket) => {
      const part = whole.slice(0, n);
      if (n > whole.length) socket.end(whole);
      else if (part === "") socket.resetAndDestroy();
      else socket.write(part, () => setTimeout(() => socket.resetAndDestroy(), 5));
    });
    const { port, router } = await routerWith({ revisions: { v1: one(100, v1) }, ejection: calm });
    // With the last byte the other two are whole; without a framing only the connection's end says so.
    const last = framing === "the end of the connection" ? whole.length : whole.length - 1;
    for (n = 0; n <= last; n++) {
      const answer = await ask(port, { method: "POST", body: "x" }).catch(() => "cut" as const);
      if (answer !== "cut") expect([n, answer.status]).toEqual([n, 502]);
    }
    n = whole.length + 1;
    expect((await ask(port, { method: "POST", body: "x" })).body).toBe("hello");
    await until(() => router.seen().services["test/web"]?.revisions.v1?.inFlight === 0);
  },
);

test("a replica that resets while it reads a request costs that request only", async () => {
  const body = "0123456789";
  let [n, whole] = [1, false];
  const v1 = await bare((socket, bytes) => {
    const got = Number(Reflect.get(socket, "got") ?? 0) + bytes.length;
    Reflect.set(socket, "got", got);
    whole = bytes.includes(body);
    if (got >= n) socket.resetAndDestroy();
  });
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) }, ejection: calm });
  for (; !whole || n < 40; n += 7) {
    const answer = await ask(port, { method: "POST", body });
    expect([n, answer.status, answer.headers["x-sluice-error"]]).toEqual([n, 502, "upstream-closed"]);
  }
  await until(() => router.seen().services["test/web"]?.revisions.v1?.inFlight === 0);
});

test("a client that resets at any byte of an answer frees its replica, and the next one is answered", async () => {
  const long = "x".repeat(300_000);
  const { port: v1 } = await replica((_, answer) => void answer.end(long));
  const { port, router } = await routerWith({ revisions: { v1: one(100, v1) } });
  for (const n of [1, 9, 17, 60, 150, 1_000, 65_536, 200_000]) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
      let got = 0;
      socket.on("data", (part) => {
        got += part.length;
        if (got >= n) socket.resetAndDestroy();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
  }
  await until(() => router.seen().services["test/web"]?.revisions.v1?.inFlight === 0);
  expect((await ask(port)).body).toBe(long);
});

test("a replica that takes no more of a body is told to be the one who failed", async () => {
  const sockets: Socket[] = [];
  const deaf = await listening(createServer({ pauseOnConnect: true }, (socket) => void sockets.push(socket)));
  onEnd(() => {
    for (const socket of sockets) socket.destroy();
    deaf.close();
  });
  const { port, router } = await routerWith({ revisions: { v1: one(100, portOf(deaf)) } }, { limits });
  const client = connect(port, "127.0.0.1", () => {
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    client.write(Buffer.alloc(50_000_000));
  });
  let all = "";
  client.on("data", (part) => {
    all += part;
  });
  client.on("error", () => {});
  await until(() => all.includes("\r\n\r\n"));
  client.destroy();
  expect(all).toMatch(/^HTTP\/1\.1 504 .*upstream-timeout/s);
  expect(router.metrics()).toMatch(/sluice_errors_total\{.*\} 1/);
});

test("requests held with a body count with it: the rest is turned away at once", async () => {
  const { port } = await routerWith({ buffer: { maxMs: 300, maxBytes: 40_000 } });
  const held = Array.from({ length: 4 }, () => ask(port, { method: "POST", body: "x".repeat(15_000) }));
  const errors = (await Promise.all(held)).map(({ headers }) => headers["x-sluice-error"]);
  expect(errors.sort()).toEqual(["buffer-full", "buffer-full", "nothing-ready", "nothing-ready"]);
});

test("bodies are kept for a second try while that does no harm, and all together no more than is bounded", () => {
  const head = { framing: "length", lengthBytes: 1e9 } as const;
  const part = Buffer.alloc(65_536);
  const bodies = Array.from({ length: 2_000 }, () => new RequestBody(head));
  for (const body of bodies) body.take(part, true);
  const kept = bodies.filter((body) => body.isRepeatable);
  expect(kept).toHaveLength(1_024);
  for (const body of bodies) body.forget();
  const [once, again] = [new RequestBody(head), new RequestBody(head)];
  once.take(part, false);
  for (let i = 0; i < 5; i++) again.take(part, true);
  expect([once, again].map(({ isRepeatable, sent }) => [isRepeatable, sent.length])).toEqual([
    [false, 0],
    [false, 0],
  ]);
});

test("100-continue goes both ways, and a refusal stops the upload", async () => {
  const { port: v1, server } = await replica((asked, answer) => asked.pipe(answer));
  server.on("checkContinue", (asked, answer) => {
    if (asked.url === "/no") answer.writeHead(417).end();
    else {
      answer.writeContinue();
      asked.pipe(answer);
    }
  });
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } });
  const expecting = (path: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`),
      );
      let all = "";
      socket.on("data", (part) => {
        all += part;
        if (all.endsWith("100 Continue\r\n\r\n")) socket.write("hello");
        if (all.endsWith("0\r\n\r\n") || all.includes(" 417 ")) socket.end();
      });
      socket.on("close", () => resolve(all));
    });
  expect(await expecting("/yes")).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*hello[\s\S]*$/);
  expect(await expecting("/no")).toMatch(/^HTTP\/1\.1 417 [\s\S]*Connection: close/);
});

test("an event stream flows as it comes, and ends when its replica leaves", async () => {
  const { port: v1 } = await replica((_, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" });
    answer.write("retry: 50\n\ndata: 1\n\n");
  });
  const { port, put } = await routerWith({ revisions: { v1: one(100, v1) } });
  const answer = ask(port);
  const seen = await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve("open"), 100))]);
  expect(seen).toBe("open");
  put({ revisions: {} });
  expect((await answer).body).toContain("data: 1");
});
