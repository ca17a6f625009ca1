// HTTP/2 in front of HTTP/1.1: hostile streams written frame by frame, and the hostile answers of replicas as a browser gets them.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostileAnswers } from "./hostile-answers.ts";
import { type Fields, hostileStreams } from "./hostile-streams.ts";
import { Router } from "./router.ts";
import { certificateIn, hasOpenssl } from "./test-certificate.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-http2-"));
const router = new Router();
const entry = createNetServer({ pauseOnConnect: true });
const asked: { ask: string; body: string }[] = [];
let seen = "";
const honest = createServer((asking, answer) => {
  let body = "";
  asking.on("data", (part) => (body += part));
  asking.on("end", () => {
    asked.push({ ask: `${asking.method} ${asking.url}`, body });
    seen = [...asking.rawHeaders, ...asking.rawTrailers].join("\n");
    answer.end("honest");
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
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

describe.skipIf(!hasOpenssl)("HTTP/2", () => {
  beforeAll(async () => {
    for (const server of [entry, honest, hostile])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    router.serve("entry", entry);
    const service = (port: number) => ({
      revisions: { v1: { weight: 100, replicas: [{ id: "r1", port }] } },
      routes: [],
      ejection: { failuresInRow: 1e9, forMs: 0 },
      buffer: { maxMs: 0, maxBytes: 0 },
    });
    const rules = [
      { path: "/", service: "test/honest" },
      { host: "hostile", path: "/", service: "test/hostile" },
    ];
    router.put({
      version: 1,
      listeners: [{ id: "entry", rules, tls: { certificates: [certificateIn(folder, "a.test")] } }],
      services: { "test/honest": service(portOf(honest)), "test/hostile": service(portOf(hostile)) },
    });
  });
  afterAll(async () => {
    await router.stop(0);
    honest.closeAllConnections();
    honest.close();
    hostile.close();
    rmSync(folder, { recursive: true });
  });

  test.each(hostileStreams.map((c) => [c.name, c] as const))("%s", async (_, c) => {
    asked.length = 0;
    const outcome = await sendStream(c);
    if (c.must === "refused") {
      expect(outcome).not.toBe(200);
      expect(asked).toEqual([]);
    } else {
      expect([outcome, asked]).toEqual([200, [{ ask: c.must.ask, body: c.must.body ?? "" }]]);
      expect(seen).not.toMatch(/^x$|^x[^-]|^b$|smuggled|^transfer-encoding$.^chunked/im);
    }
  });

  test.each(hostileAnswers.map((c) => [c.name, c] as const))("the answer: %s", async (_, c) => {
    answerBytes = c.bytes;
    staysOpen = c.staysOpen ?? false;
    const got = await askHostile(c.method ?? "GET");
    if (c.must === 502) expect(got).toMatchObject({ status: 502, isWhole: true });
    else if (c.must === "cut") expect(got.isWhole).toBe(false);
    else expect(got).toEqual({ ...c.must, isWhole: true });
  });

  test("after all of that the router is the same, and nothing is in flight", async () => {
    expect(
      await sendStream({
        fields: [
          [":method", "GET"],
          [":path", "/"],
          [":authority", "a"],
          [":scheme", "https"],
        ],
      }),
    ).toBe(200);
    const inFlight = Object.values(router.seen().services).map(({ revisions }) => revisions.v1?.inFlight);
    expect(inFlight).toEqual([0, 0]);
  });
});

const [DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY] = [0, 1, 3, 4, 7];
const [END_STREAM, END_HEADERS] = [1, 4];

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without Huffman coding (RFC 7541 §6.2.2): any byte may stand anywhere. */
function block(fields: Fields): Buffer {
  const text = (s: string): Buffer => Buffer.concat([Buffer.from([s.length]), Buffer.from(s, "latin1")]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** 200, another status ("refused"), or how the stream was ended. */
function sendStream({
  fields,
  body,
  trailers,
}: {
  fields: Fields;
  body?: string;
  trailers?: Fields;
}): Promise<200 | string> {
  const last = trailers ? "trailers" : body !== undefined ? "body" : "fields";
  const flags = (part: string): number => (part === last ? END_STREAM : 0);
  const frames = [
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(SETTINGS, 0, 0, Buffer.alloc(0)),
    frame(HEADERS, END_HEADERS | flags("fields"), 1, block(fields)),
    ...(body === undefined ? [] : [frame(DATA, flags("body"), 1, Buffer.from(body, "latin1"))]),
    ...(trailers ? [frame(HEADERS, END_HEADERS | flags("trailers"), 1, block(trailers))] : []),
  ];
  return new Promise((resolve) => {
    const socket = connect({
      port: portOf(entry),
      host: "127.0.0.1",
      ALPNProtocols: ["h2"],
      rejectUnauthorized: false,
    });
    socket.on("secureConnect", () => socket.write(Buffer.concat(frames)));
    let rest: Buffer = Buffer.alloc(0);
    let status: 200 | string = "closed";
    socket.on("data", (part: Buffer) => {
      rest = Buffer.concat([rest, part]);
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const [type, flag, payload] = [rest[3] ?? 0, rest[4] ?? 0, rest.subarray(9, 9 + rest.readUIntBE(0, 3))];
        rest = rest.subarray(9 + payload.length);
        // Indexed field 8 of the static table is ":status: 200".
        if (type === HEADERS && status === "closed")
          status = payload.find((byte) => byte >= 0x40) === 0x88 ? 200 : "refused";
        if (type === RST_STREAM || type === GOAWAY) status = "reset";
        if (
          type === RST_STREAM ||
          type === GOAWAY ||
          ((type === DATA || type === HEADERS) && (flag & END_STREAM) !== 0)
        )
          socket.destroy();
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(status));
  });
}

interface Got {
  status: number;
  body: string;
  isWhole: boolean;
}

function askHostile(method: string): Promise<Got> {
  return new Promise((resolve) => {
    const session = connectHttp2(`https://127.0.0.1:${portOf(entry)}`, { rejectUnauthorized: false });
    session.on("error", () => {});
    const stream = session.request({ ":path": "/", ":method": method, ":authority": "hostile" });
    const got = { status: 0, body: "" };
    stream.on("response", (headers) => {
      got.status = Number(headers[":status"]);
    });
    stream.on("data", (part) => {
      got.body += part;
    });
    stream.on("error", () => {});
    stream.on("close", () => {
      session.destroy();
      resolve({ ...got, isWhole: stream.rstCode === 0 });
    });
  });
}
