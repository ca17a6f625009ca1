// Reads the head of a request or an answer, byte by byte, and refuses whatever two readers could understand in two ways
// (RFC 9110, RFC 9112): every such difference is a way to smuggle a request past the router.
import { METHODS } from "node:http";
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

/** How a body ends: there is none, after so many bytes, by its last chunk, or with the connection. */
export type Framing = "none" | "length" | "chunked" | "eof";

export interface RequestHead {
  readonly method: string;
  /** Origin form as it is sent on: path and query. */
  readonly target: string;
  readonly path: string;
  readonly minor: number;
  /** As given; empty when an HTTP/1.0 request has none. */
  readonly host: string;
  readonly framing: Framing;
  readonly lengthBytes: number;
  readonly keepAlive: boolean;
  /** The protocol asked for, lower case, or "". */
  readonly upgrade: string;
  readonly expectsContinue: boolean;
  /** Fields that are passed on, each with its CRLF; without hop-by-hop, forwarding and request-id fields. */
  readonly fields: string;
  readonly requestId: string;
  readonly forwardedFor: string;
  readonly forwardedProto: string;
  readonly forwardedHost: string;
  readonly cookie: string;
  readonly traceparent: string;
  /** Offset of the first byte behind the head. */
  readonly end: number;
}

export interface AnswerHead {
  readonly status: number;
  readonly minor: number;
  /** "200 OK" */
  readonly statusText: string;
  readonly framing: Framing;
  readonly lengthBytes: number;
  readonly keepAlive: boolean;
  /** Seconds that the replica says it keeps an idle connection, or -1. */
  readonly keepAliveSeconds: number;
  readonly upgrade: string;
  readonly fields: string;
  readonly isEventStream: boolean;
  readonly end: number;
}

export interface HeadLimits {
  readonly headBytesMax: number;
  readonly targetBytesMax: number;
  readonly fieldsMax: number;
}

export const headLimits: HeadLimits = { headBytesMax: 16_000, targetBytesMax: 8_000, fieldsMax: 128 };

const [CR, LF, SP, HTAB, COLON] = [13, 10, 32, 9, 58];

/** Bytes of a token (RFC 9110 §5.6.2), of a field value (§5.5, with obs-text) and of a request target. */
const tokenByte = bytes((c) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)));
const valueByte = bytes((c) => c === HTAB || (c >= SP && c !== 127));
const targetByte = bytes((c) => c > SP && c < 127 && c !== 35);
const hostByte = bytes((c) => /[-._~!$&'()*+,;=%:[\]0-9A-Za-z]/.test(String.fromCharCode(c)));

function bytes(isIn: (c: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, c) => (isIn(c) ? 1 : 0));
}

const methods = new Set(METHODS.filter((m) => m !== "CONNECT" && m !== "TRACE"));

// Where the fields of the head read last stand: name start, name end, value start, value end, line end, known field.
// One for all, valid until the next head is read: what is needed later is copied into strings.
const stride = 6;
const spots = new Int32Array(stride * 512);
let spotCount = 0;
let refusal: Refusal | undefined;
let headEnd = 0;

function refuse(status: number, refused: string): Refusal {
  return { status, refused };
}

/** `undefined`: the head is not complete yet. */
export function readRequest(b: Buffer, start: number, limits: HeadLimits): RequestHead | Refusal | undefined {
  let i = start;
  const n = b.length;
  // One empty line before a request line is tolerated (RFC 9112 §2.2).
  if (b[i] === CR) {
    if (i + 1 >= n) return undefined;
    if (b[i + 1] === LF) i += 2;
  }
  const methodStart = i;
  while (i < n && tokenByte[at(b, i)]) i++;
  if (i >= n) return i - methodStart > 24 ? refuse(501, "method not accepted") : undefined;
  if (b[i] !== SP || i === methodStart) return refuse(400, "malformed request line");
  const method = methodAt(b, methodStart, i);
  const targetStart = ++i;
  while (i < n && targetByte[at(b, i)]) i++;
  if (i - targetStart > limits.targetBytesMax) return refuse(414, "target too long");
  if (i >= n) return undefined;
  if (b[i] !== SP || i === targetStart) return refuse(400, "malformed request target");
  const targetEnd = i++;
  if (n < i + 10) return isPrefix(b, i, "HTTP/") ? undefined : refuse(400, "malformed version");
  if (!isPrefix(b, i, "HTTP/") || b[i + 6] !== 46 || !isDigit(at(b, i + 5)) || !isDigit(at(b, i + 7)))
    return refuse(400, "malformed version");
  if (b[i + 8] !== CR || b[i + 9] !== LF) return refuse(400, "malformed end of request line");
  const minor = at(b, i + 7) - 48;
  if (b[i + 5] !== 49 || minor > 1) return refuse(505, "version not supported");
  if (!methods.has(method))
    return refuse(method === "CONNECT" || method === "TRACE" ? 405 : 501, "method not accepted");
  if (!readFields(b, i + 10, limits)) {
    if (refusal) return refusal;
    return n - start > limits.headBytesMax ? refuse(431, "head too long") : undefined;
  }
  if (headEnd - start > limits.headBytesMax) return refuse(431, "head too long");
  return requestOf({ b, method, target: b.latin1Slice(targetStart, targetEnd), minor });
}

function requestOf(o: { b: Buffer; method: string; target: string; minor: number }): RequestHead | Refusal {
  const { b, method, minor } = o;
  const seen = newSeen();
  const fields = sortFields(b, seen, requestDrops);
  if (seen.problem !== "") return refuse(400, seen.problem);
  if (seen.hosts > 1) return refuse(400, "repeated Host");
  if (seen.hosts === 0 && minor === 1) return refuse(400, "missing Host");
  if (seen.hosts === 1 && !isHost(seen.host)) return refuse(400, "malformed Host");
  let target = o.target;
  if (target.charCodeAt(0) !== 47) {
    if (target === "*") {
      if (method !== "OPTIONS") return refuse(400, "asterisk form without OPTIONS");
    } else {
      const absolute = /^https?:\/\/([^/?]+)(.*)$/i.exec(target);
      if (!absolute) return refuse(400, "malformed request target");
      if (absolute[1]?.toLowerCase() !== seen.host.toLowerCase()) return refuse(400, "authority differs from Host");
      target = absolute[2]?.startsWith("/") ? absolute[2] : `/${absolute[2] ?? ""}`;
    }
  }
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  if (path.includes(".") && hasDotSegment(path)) return refuse(400, "dot segments in the path");
  if (path.includes("%") && hasDotSegment(path.replace(/%2e/gi, "."))) return refuse(400, "dot segments in the path");
  if (seen.chunked && seen.lengths > 0) return refuse(400, "both Content-Length and Transfer-Encoding");
  if (seen.chunked && minor === 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
  const framing = seen.chunked ? "chunked" : seen.lengths > 0 && seen.length > 0 ? "length" : "none";
  const asksUpgrade = seen.upgradeNamed && seen.upgrade !== "" && minor === 1 && framing === "none";
  return {
    method,
    target,
    path,
    minor,
    host: seen.host,
    framing,
    lengthBytes: framing === "length" ? seen.length : 0,
    keepAlive: minor === 1 ? !seen.closeNamed : seen.keepAliveNamed && !seen.closeNamed,
    // Plain-text HTTP/2 would carry requests that nobody here reads: never passed on.
    upgrade: asksUpgrade && !/\bh2c?\b|http\/|tls\//i.test(seen.upgrade) ? seen.upgrade.toLowerCase() : "",
    expectsContinue: seen.expect !== "" && minor === 1,
    fields,
    requestId: seen.requestId,
    forwardedFor: seen.forwardedFor,
    forwardedProto: seen.forwardedProto,
    forwardedHost: seen.forwardedHost,
    cookie: seen.cookie,
    traceparent: seen.traceparent,
    end: headEnd,
  };
}

/** `undefined`: the head is not complete yet. `method` decides whether there is a body at all. */
export function readAnswer(
  b: Buffer,
  start: number,
  o: { method: string; limits: HeadLimits; isOwn?: boolean },
): AnswerHead | Refusal | undefined {
  const n = b.length;
  let i = start;
  if (n - i < 13) return isPrefix(b, i, "HTTP/1.") ? undefined : refuse(502, "malformed status line");
  const minor = at(b, i + 7) - 48;
  if (!isPrefix(b, i, "HTTP/1.") || (minor !== 0 && minor !== 1) || b[i + 8] !== SP)
    return refuse(502, "malformed status line");
  const status = (at(b, i + 9) - 48) * 100 + (at(b, i + 10) - 48) * 10 + (at(b, i + 11) - 48);
  for (let d = 9; d < 12; d++) if (!isDigit(at(b, i + d))) return refuse(502, "malformed status");
  if (status < 100 || status > 599) return refuse(502, "malformed status");
  const statusStart = i + 9;
  i += 12;
  if (b[i] !== SP && b[i] !== CR) return refuse(502, "malformed status line");
  while (i < n && valueByte[at(b, i)]) i++;
  if (i + 1 >= n) return n - start > o.limits.headBytesMax * 4 ? refuse(502, "head too long") : undefined;
  if (b[i] !== CR || b[i + 1] !== LF) return refuse(502, "malformed status line");
  const statusEnd = i;
  if (!readFields(b, i + 2, o.limits)) {
    if (refusal) return refuse(502, refusal.refused);
    return n - start > o.limits.headBytesMax * 4 ? refuse(502, "head too long") : undefined;
  }
  const seen = newSeen();
  const fields = sortFields(b, seen, o.isOwn ? ownAnswerDrops : answerDrops);
  if (seen.problem !== "") return refuse(502, seen.problem);
  if (seen.chunked && seen.lengths > 0) return refuse(502, "both Content-Length and Transfer-Encoding");
  if (seen.chunked && minor === 0) return refuse(502, "Transfer-Encoding in HTTP/1.0");
  const hasNoBody = status < 200 || status === 204 || status === 304 || o.method === "HEAD";
  if (seen.chunked && (status < 200 || status === 204)) return refuse(502, "Transfer-Encoding where no body may be");
  if (seen.lengths > 0 && status < 200) return refuse(502, "Content-Length where no body may be");
  if (status === 204 && seen.length > 0) return refuse(502, "Content-Length where no body may be");
  return {
    status,
    minor,
    statusText: b.latin1Slice(statusStart, statusEnd),
    framing: hasNoBody
      ? "none"
      : seen.chunked
        ? "chunked"
        : seen.lengths === 0
          ? "eof"
          : seen.length > 0
            ? "length"
            : "none",
    lengthBytes: seen.lengths > 0 ? seen.length : 0,
    keepAlive: minor === 1 ? !seen.closeNamed : seen.keepAliveNamed && !seen.closeNamed,
    keepAliveSeconds: seen.keepAliveSeconds,
    upgrade: seen.upgradeNamed ? seen.upgrade.toLowerCase() : "",
    fields,
    isEventStream: seen.isEventStream,
    end: headEnd,
  };
}

/** The value of a field of the request that was read last; for routing rules, at once after readRequest. */
export function fieldValue(b: Buffer, name: string): string | undefined {
  for (let s = 0; s < spotCount * stride; s += stride) {
    if (b.latin1Slice(spot(s), spot(s + 1)).toLowerCase() === name) return b.latin1Slice(spot(s + 2), spot(s + 3));
  }
  return undefined;
}

/** Notes where each field stands. False: not complete, or refused (then `refusal` is set). */
function readFields(b: Buffer, from: number, limits: HeadLimits): boolean {
  refusal = undefined;
  spotCount = 0;
  const n = b.length;
  let i = from;
  for (;;) {
    if (i >= n) return false;
    if (b[i] === CR) {
      if (i + 1 >= n) return false;
      if (b[i + 1] !== LF) return stop(400, "bare CR");
      headEnd = i + 2;
      return true;
    }
    const nameStart = i;
    while (i < n && tokenByte[at(b, i)]) i++;
    if (i >= n) return false;
    if (b[i] !== COLON || i === nameStart) return stop(400, nameProblem(at(b, i), i === nameStart));
    const nameEnd = i++;
    while (i < n && (b[i] === SP || b[i] === HTAB)) i++;
    const valueStart = i;
    while (i < n && valueByte[at(b, i)]) i++;
    if (i + 1 >= n) return false;
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

function stop(status: number, refused: string): false {
  refusal = { status, refused };
  return false;
}

function nameProblem(c: number, isFirst: boolean): string {
  if (isFirst && (c === SP || c === HTAB)) return "folded line or space before a field";
  if (isFirst && c === COLON) return "empty field name";
  if (c === SP || c === HTAB) return "space before a colon";
  return c === LF ? "bare LF" : "byte outside token in a field name";
}

interface Seen {
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

function newSeen(): Seen {
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
const requestDrops = fieldSet([
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
const ownAnswerDrops = fieldSet(hopByHop);
const answerDrops = fieldSet([...hopByHop, F.sluiceRevision, F.sluiceError]);

function fieldSet(fields: readonly Field[]): Uint8Array {
  const set = new Uint8Array(64);
  for (const f of fields) set[f] = 1;
  return set;
}

/** Reads what the router needs to know into `seen`, and gives the fields to pass on as one text. */
function sortFields(b: Buffer, seen: Seen, drops: Uint8Array): string {
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

export function isHost(host: string): boolean {
  if (host === "") return false;
  for (let i = 0; i < host.length; i++) if (!hostByte[host.charCodeAt(i)]) return false;
  return /^(\[[0-9A-Fa-f:.]+\]|[^[\]:]+)(:\d{0,5})?$/.test(host);
}

function hasDotSegment(path: string): boolean {
  return path.includes("/../") || path.includes("/./") || path.endsWith("/..") || path.endsWith("/.");
}

function methodAt(b: Buffer, start: number, end: number): string {
  const [length, first] = [end - start, b[start]];
  if (length === 3 && first === 71 && b[start + 1] === 69 && b[start + 2] === 84) return "GET";
  return length > 24 ? "?" : b.latin1Slice(start, end);
}

function isPrefix(b: Buffer, start: number, text: string): boolean {
  const n = Math.min(text.length, b.length - start);
  for (let i = 0; i < n; i++) if (b[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

function at(b: Buffer, i: number): number {
  return b[i] ?? 0;
}

function spot(i: number): number {
  return spots[i] ?? 0;
}
