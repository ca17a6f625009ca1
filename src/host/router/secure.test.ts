// TLS in front: names, reload without a drop, HTTP/2 with the same rules as HTTP/1.1. Certificates are made by openssl.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { connect as connectHttp2, constants } from "node:http2";
import { request } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, expect, test } from "vitest";
import { closeAll, onEnd, one, replica, routerWith, says, until } from "./test-bench.ts";
import { certificateIn, hasOpenssl } from "./test-certificate.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
afterEach(closeAll);
afterAll(() => rmSync(folder, { recursive: true }));

const testTls = test.skipIf(!hasOpenssl);
const certificate = (name: string, file?: string) => certificateIn(folder, name, file);

function nameShown(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

testTls("each name gets its certificate, a wildcard's names too, and others the first", async () => {
  const certificates = [
    certificate("fallback.test"),
    { ...certificate("shop.test"), host: "shop.test" },
    { ...certificate("star.test"), host: "*.shop.test" },
  ];
  const { port } = await routerWith({}, { listener: { tls: { certificates } } });
  expect(await nameShown(port, "shop.test")).toBe("shop.test");
  expect(await nameShown(port, "a.shop.test")).toBe("star.test");
  expect(await nameShown(port, "other.test")).toBe("fallback.test");
});

testTls("HTTPS requests are forwarded, and the replica is told", async () => {
  const { port: v1 } = await replica((asked, answer) => answer.end(asked.headers["x-forwarded-proto"]));
  const certificates = [certificate("shop.test")];
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } }, { listener: { tls: { certificates } } });
  const body = await new Promise<string>((resolve, reject) => {
    request({ port, host: "127.0.0.1", rejectUnauthorized: false, agent: false }, (answer) => {
      answer.on("data", (part) => resolve(String(part)));
    })
      .on("error", reject)
      .end();
  });
  expect(body).toBe("https");
});

testTls("a renewed certificate is used without dropping a connection", async () => {
  const pair = certificate("before.test");
  const { port: v1 } = await replica(says("v1"));
  const { port } = await routerWith(
    { revisions: { v1: one(100, v1) } },
    { listener: { tls: { certificates: [pair] } } },
  );
  const kept = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  onEnd(() => void kept.destroy());
  const answered = (): Promise<string> =>
    new Promise((resolve) => {
      kept.once("data", (part) => resolve(String(part)));
      kept.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    });
  expect(await answered()).toContain("v1");
  const renewed = certificate("after.test", "renewed");
  copyFileSync(renewed.keyFile, pair.keyFile);
  copyFileSync(renewed.certFile, pair.certFile);
  for (let i = 0; i < 100 && (await nameShown(port, "x")) !== "after.test"; i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await nameShown(port, "x")).toBe("after.test");
  expect(await answered()).toContain("v1");
});

testTls("HTTP/2 has the same weights, bodies, errors and stamps", async () => {
  const { port: v1 } = await replica((asked, answer) => {
    answer.setHeader("set-cookie", ["a=1", "b=2"]);
    asked.pipe(answer);
  });
  const { port: v2 } = await replica((asked, answer) => asked.pipe(answer));
  const certificates = [certificate("shop.test")];
  const { port, put } = await routerWith(
    { revisions: { v1: one(75, v1), v2: one(25, v2, "r2") } },
    { listener: { tls: { certificates } } },
  );
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  onEnd(() => session.destroy());
  const ask = (method: string, body?: string): Promise<{ headers: Record<string, unknown>; body: string }> =>
    new Promise((resolve, reject) => {
      const stream = session.request(
        { ":method": method, ":path": "/x", cookie: "c=1" },
        { endStream: body === undefined },
      );
      let [headers, text]: [Record<string, unknown>, string] = [{}, ""];
      stream.on("response", (h) => {
        headers = h;
      });
      stream.on("data", (part) => {
        text += part;
      });
      stream.on("end", () => resolve({ headers, body: text }));
      stream.on("error", reject);
      stream.end(body);
    });
  const long = "0123456789".repeat(50_000);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask("POST", long)));
  expect(answers.every((a) => a.body === long)).toBe(true);
  expect(answers.filter((a) => a.headers["x-sluice-revision"] === "v2")).toHaveLength(5);
  expect(answers.find((a) => a.headers["x-sluice-revision"] === "v1")?.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect((await ask("HEAD")).headers[":status"]).toBe(200);
  put({ buffer: { maxMs: 0, maxBytes: 0 } });
  const error = await ask("GET");
  expect([error.headers[":status"], error.headers["x-sluice-error"]]).toEqual([503, "nothing-ready"]);
});

testTls("trailers pass in both directions between HTTP/2 and a replica's chunks", async () => {
  const { port: v1 } = await replica((asked, answer) => {
    asked.resume().on("end", () => {
      answer.setHeader("trailer", "x-sum");
      answer.write("body");
      answer.addTrailers({ "x-sum": `${asked.trailers["x-checksum"]} seen` });
      answer.end();
    });
  });
  const certificates = [certificate("shop.test")];
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } }, { listener: { tls: { certificates } } });
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  onEnd(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": "/" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-checksum": "abc" }));
  stream.end("upload");
  stream.resume();
  const trailers = await new Promise<Record<string, unknown>>((resolve, reject) =>
    stream.on("trailers", resolve).on("error", reject),
  );
  expect(trailers["x-sum"]).toBe("abc seen");
});

testTls("an HTTP/2 stream that is cut short by the replica is reset, not ended", async () => {
  const { port: v1 } = await replica((asked, answer) => {
    answer.write("half", () => asked.socket.destroy());
  });
  const certificates = [certificate("shop.test")];
  const { port } = await routerWith({ revisions: { v1: one(100, v1) } }, { listener: { tls: { certificates } } });
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  onEnd(() => session.destroy());
  const stream = session.request({ ":path": "/" });
  stream.resume();
  stream.on("error", () => {});
  await new Promise((resolve) => stream.on("close", resolve));
  expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
});

testTls("a certificate that cannot be read costs its own names only, and is used once it is there", async () => {
  const good = { ...certificate("good.test"), host: "good.test" };
  const late = { certFile: join(folder, "late.crt"), keyFile: join(folder, "late.key"), host: "late.test" };
  const { port } = await routerWith({}, { listener: { tls: { certificates: [good, late] } } });
  expect(await nameShown(port, "good.test")).toBe("good.test");
  certificate("late.test", "late");
  await until(async () => (await nameShown(port, "late.test")) === "late.test");
});

testTls(
  "one address has only so many connections, of whatever protocol, and a trusted proxy as many as it needs",
  async () => {
    const certificates = [certificate("shop.test")];
    const listener = { tls: { certificates }, connectionsPerClientMax: 2 };
    const { port, put } = await routerWith({}, { listener });
    const sockets: Socket[] = [];
    onEnd(() => {
      for (const socket of sockets) socket.destroy();
    });
    const open = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
        sockets.push(socket);
        socket.on("secureConnect", () => resolve(true));
        socket.on("error", () => resolve(false));
        socket.on("close", () => resolve(false));
      });
    expect([await open(), await open(), await open()]).toEqual([true, true, false]);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until(open);
    put({}, { listeners: [{ id: "entry", rules: [], ...listener, trusted: ["127.0.0.1"] }] });
    expect([await open(), await open(), await open()]).toEqual([true, true, true]);
  },
);
