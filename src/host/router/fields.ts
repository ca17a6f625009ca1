// The fields of a head: where each stands, and what the router needs to know of them. Shared by requests and answers.
import { type Field, fieldAt, fieldNames } from "./field.ts";

declare global {
  interface Buffer {
    /** `toString("latin1", start, end)` without its checks; as old as Buffer itself, only its type is missing. */
    latin1Slice(start?: number, end?: number): string;
  }
}

/** Why a message is not accepted, and the status that says so (an answer's refusal is a 502 towards the client). */
export interface Refusal {
  readonly refused: string;
  readonly status: number;
}

export interface HeadLimits {
  readonly headBytesMax: number;
  readonly targetBytesMax: number;
  readonly fieldsMax: number;
}

export const headLimits: HeadLimits = { headBytesMax: 16_000, targetBytesMax: 8_000, fieldsMax: 128 };

const [CR, LF, SP, HTAB, COLON] = [13, 10, 32, 9, 58];

/** Bytes of a token (RFC 9110 §5.6.2), of a field value (§5.5, with obs-text) and of a request target. */
export const tokenByte = bytes((c) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)));
export const valueByte = bytes((c) => c === HTAB || (c >= SP && c !== 127));

export function bytes(isIn: (c: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, c) => (isIn(c) ? 1 : 0));
}

// Where the fields of the head read last stand: name start, name end, value start, value end, line end, known field.
// One for all, valid until the next head is read: what is needed later is copied into strings.
const stride = 6;
const spots = new Int32Array(stride * 512);
let spotCount = 0;
let headEnd = 0;

/** The value of a field of the request that was read last; for routing rules, at once after readRequest. */
export function fieldValue(b: Buffer, name: string): string | undefined {
  for (let s = 0; s < spotCount * stride; s += stride) {
    if (b.latin1Slice(spot(s), spot(s + 1)).toLowerCase() === name) return b.latin1Slice(spot(s + 2), spot(s + 3));
  }
  return undefined;
}

/** Notes where each field stands. Gives the offset behind the head, or `undefined` while it is not complete. */
export function readFields(b: Buffer, from: number, limits: HeadLimits): number | Refusal | undefined {
  spotCount = 0;
  const n = b.length;
  let i = from;
  for (;;) {
    if (i >= n) return undefined;
    if (b[i] === CR) {
      if (i + 1 >= n) return undefined;
      if (b[i + 1] !== LF) return stop(400, "bare CR");
      headEnd = i + 2;
      return headEnd;
    }
    const nameStart = i;
    while (i < n && tokenByte[at(b, i)]) i++;
    if (i >= n) return undefined;
    if (b[i] !== COLON || i === nameStart) return stop(400, nameProblem(at(b, i), i === nameStart));
    const nameEnd = i++;
    while (i < n && (b[i] === SP || b[i] === HTAB)) i++;
    const valueStart = i;
    while (i < n && valueByte[at(b, i)]) i++;
    if (i + 1 >= n) return undefined;
    if (b[i] !== CR) return stop(400, b[i] === LF ? "bare LF" : "control byte in a value");
    if (b[i + 1] !== LF) return stop(400, "bare CR");
    let valueEnd = i;
    while (valueEnd > valueStart && (b[valueEnd - 1] === SP || b[valueEnd - 1] === HTAB)) valueEnd--;
    i += 2;
    if (spotCount >= limits.fieldsMax) return stop(431, "too many fields");
    const s = spotCount++ * stride;
    spots[s] = nameStart;
    spots[s + 1] = nameEnd;
    spots[s + 2] = valueStart;
    spots[s + 3] = valueEnd;
    spots[s + 4] = i;
    spots[s + 5] = fieldAt(b, nameStart, nameEnd);
  }
}

function stop(status: number, refused: string): Refusal {
  return { status, refused };
}

function nameProblem(c: number, isFirst: boolean): string {
  if (isFirst && (c === SP || c === HTAB)) return "folded line or space before a field";
  if (isFirst && c === COLON) return "empty field name";
  if (c === SP || c === HTAB) return "space before a colon";
  return c === LF ? "bare LF" : "byte outside token in a field name";
}

export interface Seen {
  host: string;
  hosts: number;
  length: number;
  lengths: number;
  chunked: boolean;
  closeNamed: boolean;
  keepAliveNamed: boolean;
  upgradeNamed: boolean;
  upgrade: string;
  expect: string;
  requestId: string;
  forwardedFor: string;
  forwardedProto: string;
  forwardedHost: string;
  cookie: string;
  traceparent: string;
  keepAliveSeconds: number;
  isEventStream: boolean;
  /** Names in Connection that are not its usual options, lower case. */
  named: string[] | undefined;
  problem: string;
}

export function newSeen(): Seen {
  return {
    host: "",
    hosts: 0,
    length: 0,
    lengths: 0,
    chunked: false,
    closeNamed: false,
    keepAliveNamed: false,
    upgradeNamed: false,
    upgrade: "",
    expect: "",
    requestId: "",
    forwardedFor: "",
    forwardedProto: "",
    forwardedHost: "",
    cookie: "",
    traceparent: "",
    keepAliveSeconds: -1,
    isEventStream: false,
    named: undefined,
    problem: "",
  };
}

const F = fieldNames;
/** Not passed on as they came: by the hop rule (RFC 9110 §7.6.1), or because the router sets them itself. */
const hopByHop = [F.connection, F.keepAlive, F.proxyConnection, F.te, F.trailer, F.transferEncoding, F.upgrade];
export const requestDrops = fieldSet([
  ...hopByHop,
  F.http2Settings,
  F.forwarded,
  F.xForwardedFor,
  F.xForwardedProto,
  F.xForwardedHost,
  F.xForwardedPort,
  F.xRealIp,
  F.xRequestId,
  F.via,
]);
/** The router's own fields stay when it reads what it wrote itself. */
export const ownAnswerDrops = fieldSet(hopByHop);
export const answerDrops = fieldSet([...hopByHop, F.sluiceRevision, F.sluiceError]);

function fieldSet(fields: readonly Field[]): Uint8Array {
  const set = new Uint8Array(64);
  for (const f of fields) set[f] = 1;
  return set;
}

/** Reads what the router needs to know into `seen`, and gives the fields to pass on as one text. */
export function sortFields(b: Buffer, seen: Seen, drops: Uint8Array): string {
  let kept = "";
  let runStart = spot(0);
  if (spotCount === 0) return "";
  for (let s = 0; s < spotCount * stride; s += stride) {
    const known = spot(s + 5);
    if (known === 0) continue;
    noteField(b, s, seen);
    if (drops[known] === 1) {
      if (runStart < spot(s)) kept += b.latin1Slice(runStart, spot(s));
      runStart = spot(s + 4);
    }
  }
  if (seen.named) return withoutNamed(b, seen.named, drops);
  const end = headEnd - 2;
  return runStart < end ? kept + b.latin1Slice(runStart, end) : kept;
}

/** The slow way, when Connection names fields: those go too, but never one that carries meaning end to end. */
function withoutNamed(b: Buffer, named: readonly string[], drops: Uint8Array): string {
  let kept = "";
  for (let s = 0; s < spotCount * stride; s += stride) {
    const known = spot(s + 5);
    const isNamed = known === 0 && named.includes(b.latin1Slice(spot(s), spot(s + 1)).toLowerCase());
    if (!isNamed && drops[known] !== 1) kept += b.latin1Slice(spot(s), spot(s + 4));
  }
  return kept;
}

function noteField(b: Buffer, s: number, seen: Seen): void {
  const value = b.latin1Slice(spot(s + 2), spot(s + 3));
  switch (spot(s + 5)) {
    case F.host:
      seen.hosts++;
      seen.host = value;
      break;
    case F.contentLength:
      noteLength(value, seen);
      if (isPadded(b, s)) seen.problem = "space behind Content-Length";
      break;
    case F.transferEncoding:
      if (seen.chunked || value.toLowerCase() !== "chunked") seen.problem = "Transfer-Encoding other than chunked";
      if (isPadded(b, s)) seen.problem = "space behind Transfer-Encoding";
      seen.chunked = true;
      break;
    case F.connection:
      noteConnection(value, seen);
      break;
    case F.upgrade:
      if (seen.upgrade !== "") seen.problem = "repeated Upgrade";
      seen.upgrade = value;
      break;
    case F.expect:
      if (seen.expect !== "" || value.toLowerCase() !== "100-continue") seen.problem = "unknown expectation";
      seen.expect = value;
      break;
    case F.cookie:
      seen.cookie = seen.cookie === "" ? value : `${seen.cookie}; ${value}`;
      break;
    case F.xRequestId:
      if (/^[\w.:/+=-]{1,128}$/.test(value)) seen.requestId = value;
      break;
    case F.xForwardedFor:
      seen.forwardedFor = seen.forwardedFor === "" ? value : `${seen.forwardedFor}, ${value}`;
      break;
    case F.xForwardedProto:
      seen.forwardedProto = value;
      break;
    case F.xForwardedHost:
      seen.forwardedHost = value;
      break;
    case F.traceparent:
      if (/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}/.test(value)) seen.traceparent = value;
      break;
    case F.keepAlive:
      seen.keepAliveSeconds = Number(/timeout\s*=\s*(\d{1,6})/i.exec(value)?.[1] ?? -1);
      break;
    case F.contentType:
      seen.isEventStream = value.startsWith("text/event-stream");
      break;
  }
}

/** Allowed by the grammar, refused by some readers (a tab, by Node's): not worth a doubt where the framing hangs on it. */
function isPadded(b: Buffer, s: number): boolean {
  return b[spot(s + 3)] !== CR;
}

function noteLength(value: string, seen: Seen): void {
  if (++seen.lengths > 1) seen.problem = "repeated Content-Length";
  if (!/^\d{1,16}$/.test(value)) {
    seen.problem = "malformed Content-Length";
    return;
  }
  seen.length = Number(value);
  if (!Number.isSafeInteger(seen.length)) seen.problem = "Content-Length too large";
}

function noteConnection(value: string, seen: Seen): void {
  if (value === "keep-alive") seen.keepAliveNamed = true;
  else if (value === "close") seen.closeNamed = true;
  else {
    for (const option of value.toLowerCase().split(",")) {
      const name = option.trim();
      if (name === "close") seen.closeNamed = true;
      else if (name === "keep-alive") seen.keepAliveNamed = true;
      else if (name === "upgrade") seen.upgradeNamed = true;
      else if (name !== "") {
        seen.named ??= [];
        seen.named.push(name);
      }
    }
  }
}

export function at(b: Buffer, i: number): number {
  return b[i] ?? 0;
}

function spot(i: number): number {
  return spots[i] ?? 0;
}
