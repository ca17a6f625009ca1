// Differential fuzz: whatever the router's reader accepts, Node's own strict parser must accept with the same meaning.
// (The reverse does not hold, and is not meant to.) SLUICE_FUZZ_CASES and SLUICE_FUZZ_SEED change how much and what.
import { createServer, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { ChunkedBody } from "./chunks.ts";
import { headLimits } from "./field-places.ts";
import { type AnswerHead, type RequestHead, readAnswer, readRequest } from "./head.ts";
import { hostileAnswers } from "./hostile-answers.ts";
import { hostileRequests } from "./hostile-requests.ts";

const cases = Number(process.env.SLUICE_FUZZ_CASES ?? 8_000);
const seed = Number(process.env.SLUICE_FUZZ_SEED ?? 20_26);

interface Meaning {
  readonly method: string;
  readonly host: string;
  readonly fields: readonly string[];
  readonly body: string;
  /** Bytes behind the message: where the next request would begin. */
  readonly rest: number;
}

/** Small, seeded and good enough to choose mutations (mulberry32). */
function randomFrom(state: number): (below: number) => number {
  let s = state;
  return (below) => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const seeds = hostileRequests.map((c) => c.bytes).filter((b) => b.length < 400);
const tricky = [
  "\r",
  "\n",
  "\r\n",
  " ",
  "\t",
  "\0",
  ":",
  ",",
  ";",
  "0",
  "5",
  "a",
  "\x80",
  "\xff",
  "chunked",
  "-",
  "+",
  "x",
  "\x0b",
  "_",
];
const tokens = [
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Host: b\r\n",
  "Connection: close\r\n",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
];

function mutated(from: readonly string[], random: (below: number) => number): string {
  let text = from[random(from.length)] ?? "";
  for (let n = random(4); n >= 0; n--) {
    const at = random(text.length + 1);
    const kind = random(6);
    const bit = kind === 5 ? (tokens[random(tokens.length)] ?? "") : (tricky[random(tricky.length)] ?? "");
    if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + random(4));
    else if (kind === 1) text = text.slice(0, at) + bit + text.slice(at + bit.length);
    else if (kind === 2) text = text.slice(0, at) + text.slice(at, at + 8) + text.slice(at);
    else if (kind === 3)
      text =
        text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << random(8))) + text.slice(at + 1);
    else text = text.slice(0, at) + bit + text.slice(at);
  }
  return text;
}

const dropped =
  /^(connection|keep[-_]alive|proxy[-_]connection|te|trailer|transfer[-_]encoding|upgrade|http2[-_]settings|forwarded|x[-_]forwarded[-_].*|x[-_]real[-_]ip|x[-_]request[-_]id|content_(length|type)):/i;

/** What we understand, or undefined if we refuse it or wait for more. */
function ours(bytes: Buffer): Meaning | undefined {
  const head = readRequest(bytes, 0, headLimits);
  if (head === undefined || "refused" in head) return undefined;
  const rest = restOf(head, bytes);
  return rest && { method: head.method, host: head.host, ...rest };
}

/** What stands behind the first line; undefined while there is more to come. */
function restOf(head: RequestHead | AnswerHead, bytes: Buffer) {
  let body = "";
  let end = head.end;
  if (head.framing === "length") {
    end += head.lengthBytes;
    if (end > bytes.length) return undefined;
    body = bytes.latin1Slice(head.end, end);
  } else if (head.framing === "chunked") {
    const chunks = new ChunkedBody();
    end = chunks.read(bytes, head.end, (s, e) => {
      body += bytes.latin1Slice(s, e);
    });
    if (!chunks.isDone) return undefined;
  }
  const fields = head.fields.split("\r\n").filter((f) => f !== "");
  return { fields: fields.map(trimmed), body, rest: bytes.length - end };
}

function trimmed(field: string): string {
  const colon = field.indexOf(":");
  return `${field.slice(0, colon)}:${field.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")}`;
}

class Wire extends Duplex {
  readonly remoteAddress = "127.0.0.1";
  override _read(): void {}
  override _write(_: unknown, __: BufferEncoding, done: () => void): void {
    done();
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
}

/** What Node understands of the first message in the bytes. */
function nodes(bytes: Buffer): Promise<Omit<Meaning, "rest"> | { refused: string }> {
  return new Promise((resolve) => {
    const server = createServer({ insecureHTTPParser: false }, (asked: IncomingMessage) => {
      let body = "";
      asked.setEncoding("latin1");
      asked.on("data", (part: string) => {
        body += part;
      });
      asked.on("end", () => {
        const pairs = asked.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}:${all[i + 1]}`] : []));
        const fields = pairs.filter((f) => !dropped.test(f));
        resolve({ method: asked.method ?? "", host: asked.headers.host ?? "", fields, body });
      });
    });
    server.on("checkContinue", (asked, answer) => server.emit("request", asked, answer));
    const wire = new Wire();
    server.on("clientError", (error: Error) => resolve({ refused: error.message }));
    server.emit("connection", wire);
    wire.push(bytes);
    setImmediate(() => setImmediate(() => resolve({ refused: "waits for more" })));
  });
}

test(`what the reader accepts of ${cases} mutated requests, Node's strict parser understands alike`, async () => {
  const random = randomFrom(seed);
  let accepted = 0;
  for (let i = 0; i < cases; i++) {
    const bytes = Buffer.from(mutated(seeds, random), "latin1");
    const mine = ours(bytes);
    if (!mine) continue;
    accepted++;
    const { rest, ...meaning } = mine;
    const message = bytes.subarray(0, bytes.length - rest);
    const named = namedInConnection(message);
    const theirs = await nodes(message);
    const theirsLessNamed =
      "fields" in theirs
        ? { ...theirs, fields: theirs.fields.filter((f) => !named.has(f.split(":")[0]?.toLowerCase() ?? "")) }
        : theirs;
    const mineLessNamed = {
      ...meaning,
      fields: meaning.fields.filter((f) => !named.has(f.split(":")[0]?.toLowerCase() ?? "")),
    };
    expect({ bytes: message.latin1Slice(), ...theirsLessNamed }).toEqual({
      bytes: message.latin1Slice(),
      ...mineLessNamed,
    });
  }
  // A reader that refuses everything would pass, too.
  expect(accepted).toBeGreaterThan(cases / 20);
});

function namedInConnection(message: Buffer): Set<string> {
  const values = [...message.latin1Slice().matchAll(/^connection:(.*)$/gim)].map((m) => m[1] ?? "");
  return new Set(
    values
      .join(",")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
}

test("a head that is complete is read alike wherever the packets end", () => {
  for (const { bytes } of hostileRequests) {
    const whole = Buffer.from(bytes, "latin1");
    const result = readRequest(whole, 0, headLimits);
    if (result === undefined || "refused" in result || whole.length > 2_000) continue;
    for (let n = 0; n < result.end; n++) expect(readRequest(whole.subarray(0, n), 0, headLimits)).toBeUndefined();
    expect(readRequest(whole.subarray(0, result.end), 0, headLimits)).toEqual(result);
  }
});

interface AnswerMeaning {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
}

function ourAnswer(bytes: Buffer): (AnswerMeaning & { readonly rest: number }) | undefined {
  const head = readAnswer(bytes, 0, { method: "GET", limits: headLimits });
  if (head === undefined || "refused" in head || head.status < 200 || head.framing === "eof") return undefined;
  const rest = restOf(head, bytes);
  return rest && { status: head.status, ...rest };
}

const droppedOfAnswers =
  /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|http2-settings|x-sluice-.*):/i;

function nodesAnswer(bytes: Buffer): Promise<AnswerMeaning | { refused: string }> {
  return new Promise((resolve) => {
    const wire = new Wire();
    // An http client asks no more of its connection than a Duplex and a few setters.
    const asking = request({ host: "a", createConnection: () => wire as unknown as Socket }, (answer) => {
      let body = "";
      answer.setEncoding("latin1");
      answer.on("data", (part: string) => {
        body += part;
      });
      answer.on("error", (error) => resolve({ refused: error.message }));
      answer.on("end", () => {
        const pairs = answer.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}:${all[i + 1]}`] : []));
        resolve({ status: answer.statusCode ?? 0, fields: pairs.filter((f) => !droppedOfAnswers.test(f)), body });
      });
    });
    asking.on("error", (error) => resolve({ refused: error.message }));
    asking.end();
    setImmediate(() => {
      wire.push(bytes);
      setImmediate(() => setImmediate(() => resolve({ refused: "waits for more" })));
    });
  });
}

test(`what the reader accepts of ${cases} mutated answers, Node's strict parser understands alike`, async () => {
  const random = randomFrom(seed + 1);
  const from = hostileAnswers.map((c) => c.bytes).filter((b) => b.length < 400);
  let accepted = 0;
  for (let i = 0; i < cases; i++) {
    const bytes = Buffer.from(mutated(from, random), "latin1");
    const mine = ourAnswer(bytes);
    if (!mine) continue;
    accepted++;
    const { rest, ...meaning } = mine;
    const message = bytes.subarray(0, bytes.length - rest);
    const named = namedInConnection(message);
    const unnamed = (fields: readonly string[]): string[] =>
      fields.filter((f) => !named.has(f.split(":")[0]?.toLowerCase() ?? ""));
    const theirs = await nodesAnswer(message);
    const told = "fields" in theirs ? { ...theirs, fields: unnamed(theirs.fields) } : theirs;
    expect({ bytes: message.latin1Slice(), ...told }).toEqual({
      bytes: message.latin1Slice(),
      ...meaning,
      fields: unnamed(meaning.fields),
    });
  }
  expect(accepted).toBeGreaterThan(cases / 50);
});
