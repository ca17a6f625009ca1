// What the router needs to know of a head's fields, and which of them it passes on. Reads the head whose fields were found
// last (field-places.ts).
import { type Field, fieldNames } from "./field.ts";
import { endOfHead, spot, spotsEnd, stride } from "./field-places.ts";

const CR = 13;
/** Each is looked for among all fields. */
const namedMax = 32;

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
  /** The standard field (RFC 7239), unread. */
  forwarded: string;
  /** Says that it takes trailers (TE). */
  takesTrailers: boolean;
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
    forwarded: "",
    takesTrailers: false,
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
const hopByHop = [
  F.connection,
  F.http2Settings,
  F.keepAlive,
  F.proxyConnection,
  F.te,
  F.trailer,
  F.transferEncoding,
  F.upgrade,
];
const setByUs = [
  F.forwarded,
  F.xForwardedFor,
  F.xForwardedProto,
  F.xForwardedHost,
  F.xRealIp,
  F.xRequestId,
  F.sluiceMirror,
  F.lookalike,
];
export const requestDrops = fieldSet([...hopByHop, ...setByUs, F.xForwardedMore]);
/** Of a proxy that is trusted: the X-Forwarded-* that the router does not set itself are passed on. */
export const trustedDrops = fieldSet([...hopByHop, ...setByUs]);
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
  const end = spotsEnd();
  if (end === 0) return "";
  let kept = "";
  let runStart = spot(0);
  for (let s = 0; s < end; s += stride) {
    const known = spot(s + 5);
    if (known === 0) continue;
    noteField(b, s, seen);
    if (drops[known] === 1) {
      if (runStart < spot(s)) kept += b.latin1Slice(runStart, spot(s));
      runStart = spot(s + 4);
    }
  }
  if (seen.named) return withoutNamed(b, seen.named, drops);
  const last = endOfHead() - 2;
  return runStart < last ? kept + b.latin1Slice(runStart, last) : kept;
}

/** The slow way, when Connection names fields: those go too, but never one that carries meaning end to end. */
function withoutNamed(b: Buffer, named: readonly string[], drops: Uint8Array): string {
  const end = spotsEnd();
  let kept = "";
  for (let s = 0; s < end; s += stride) {
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
    case F.forwarded:
      seen.forwarded = seen.forwarded === "" ? value : `${seen.forwarded}, ${value}`;
      break;
    case F.te:
      seen.takesTrailers ||= /(^|,)\s*trailers\s*(,|$)/i.test(value);
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
        if (seen.named.push(name) > namedMax) seen.problem = "too many options in Connection";
      }
    }
  }
}
