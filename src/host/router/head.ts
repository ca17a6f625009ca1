// Reads the head of a request or an answer, byte by byte, and refuses whatever two readers could understand in two ways
// (RFC 9110, RFC 9112): every such difference is a way to smuggle a request past the router.
import { METHODS } from "node:http";
import { answerDrops, newSeen, ownAnswerDrops, requestDrops, sortFields, trustedDrops } from "./field-meanings.ts";
import { at, bytes, type HeadLimits, type Refusal, readFields, tokenByte, valueByte } from "./field-places.ts";

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
  readonly forwarded: string;
  readonly takesTrailers: boolean;
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

const [CR, LF, SP] = [13, 10, 32];

const targetByte = bytes((c) => c > SP && c < 127 && c !== 35);
/** Escapes and punctuation that RFC 3986 allows besides are in no real host's name, and read differently by many. */
const hostByte = bytes((c) => /[-._~:[\]0-9A-Za-z]/.test(String.fromCharCode(c)));

const methods = new Set(METHODS.filter((m) => m !== "CONNECT" && m !== "TRACE"));

function refuse(status: number, refused: string): Refusal {
  return { status, refused };
}

export interface RequestReading extends HeadLimits {
  /** It comes from a proxy that may say who asks. */
  readonly isTrusted?: boolean;
}

/** `undefined`: the head is not complete yet. */
export function readRequest(b: Buffer, start: number, limits: RequestReading): RequestHead | Refusal | undefined {
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
  const end = readFields(b, i + 10, limits);
  if (end === undefined) return n - start > limits.headBytesMax ? refuse(431, "head too long") : undefined;
  if (typeof end !== "number") return end;
  if (end - start > limits.headBytesMax) return refuse(431, "head too long");
  const drops = limits.isTrusted ? trustedDrops : requestDrops;
  return requestOf({ b, method, target: b.latin1Slice(targetStart, targetEnd), minor, end, drops });
}

function requestOf(o: {
  b: Buffer;
  method: string;
  target: string;
  minor: number;
  end: number;
  drops: Uint8Array;
}): RequestHead | Refusal {
  const { b, method, minor } = o;
  const seen = newSeen();
  const fields = sortFields(b, seen, o.drops);
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
    forwarded: seen.forwarded,
    takesTrailers: seen.takesTrailers,
    cookie: seen.cookie,
    traceparent: seen.traceparent,
    end: o.end,
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
  const end = readFields(b, i + 2, o.limits);
  if (end !== undefined && typeof end !== "number") return refuse(502, end.refused);
  if (end === undefined) {
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
    end,
  };
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
