// Bad company: slow clients, endless answers, resets anywhere. Each must cost little and break nothing for the others.
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
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

test("a replica that resets at any byte of its answer costs that request only, and no client half an answer unnoticed", async () => {
  const whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  let n = 0;
  const v1 = await bare((socket) => {
    const part = whole.slice(0, n);
    if (part === "") socket.resetAndDestroy();
    else socket.write(part, () => setTimeout(() => socket.resetAndDestroy(), 5));
  });
  const { port, router } = await routerWith({
    revisions: { v1: one(100, v1) },
    ejection: { failuresInRow: 1e9, forMs: 0 },
  });
  for (n = 0; n < whole.length; n++) {
    const answer = await ask(port, { method: "POST", body: "x" }).catch(() => "cut" as const);
    if (answer !== "cut") expect([n, answer.status]).toEqual([n, 502]);
  }
  expect((await ask(port, { method: "POST", body: "x" })).body).toBe("hello");
  await until(() => router.seen().services["test/web"]?.revisions.v1?.inFlight === 0);
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
