// One HTTP/2 stream as if it were an HTTP/1.1 connection with one request: so weights, retries, counts and strictness are
// the same code for both. It costs a copy; HTTP/2 comes from browsers, the replicas' side stays HTTP/1.1.
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import { Duplex } from "node:stream";
import { ChunkedBody } from "./chunks.ts";
import { headLimits } from "./field-places.ts";
import { type AnswerHead, readAnswer } from "./head.ts";

/** The router adds some fields to those of the replica, which were counted before. */
const ownLimits = { ...headLimits, fieldsMax: headLimits.fieldsMax + 16 };
const hopByHop =
  /^(:.*|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings|te|host|content-length)$/;

export class Http2Socket extends Duplex {
  readonly remoteAddress: string;
  private readonly stream: ServerHttp2Stream;
  private readonly method: string;
  private readonly isChunked: boolean;
  private head: AnswerHead | undefined;
  private rest: Buffer = Buffer.alloc(0);
  private chunks: ChunkedBody | undefined;

  constructor(stream: ServerHttp2Stream, o: { headers: IncomingHttpHeaders; hasBody: boolean; remoteAddress: string }) {
    super();
    this.stream = stream;
    this.remoteAddress = o.remoteAddress;
    this.method = String(o.headers[":method"] ?? "GET");
    this.isChunked = o.hasBody && o.headers["content-length"] === undefined;
    stream.on("error", () => this.destroy());
    stream.on("close", () => this.destroy());
    const text = requestText(o.headers, this.isChunked);
    if (text === undefined) {
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
      this.destroy();
      return;
    }
    this.push(text, "latin1");
    stream.on("data", (part: Buffer) => this.pushBody(part));
    let trailers = "";
    stream.on("trailers", (fields) => {
      trailers = linesOf(fields);
    });
    stream.on("end", () => this.isChunked && this.push(`0\r\n${trailers}\r\n`, "latin1"));
  }

  setNoDelay(): this {
    return this;
  }

  override _read(): void {
    this.stream.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    const input = this.rest.length > 0 ? Buffer.concat([this.rest, bytes]) : bytes;
    this.rest = Buffer.alloc(0);
    let body: Buffer;
    try {
      body = this.head ? this.bodyOf(input, 0) : this.bodyBehindHead(input);
    } catch (error) {
      // Node refuses heads that HTTP/2 cannot carry by throwing. That is the end of this stream, not of the router.
      return done(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.stream.destroyed || this.stream.writableEnded || body.length === 0) done();
    else this.stream.write(body, () => done());
  }

  override _final(done: () => void): void {
    if (!this.head) this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else if (!this.stream.writableEnded) {
      this.stream.on("wantTrailers", () => this.stream.sendTrailers(headersOf(this.chunks?.trailers ?? [])));
      this.stream.end();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.stream.closed && !this.stream.writableEnded) this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    done(error);
  }

  private pushBody(part: Buffer): void {
    const text = this.isChunked ? [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")] : [part];
    if (!this.push(Buffer.concat(text))) this.stream.pause();
  }

  private bodyBehindHead(input: Buffer): Buffer {
    const head = readAnswer(input, 0, { method: this.method, limits: ownLimits, isOwn: true });
    if (head === undefined) {
      this.rest = input;
      return Buffer.alloc(0);
    }
    // What the router sends itself, read with its own reader: a refusal here is a bug.
    if ("refused" in head) throw new Error(`the router's own answer is malformed: ${head.refused}`);
    if (this.stream.destroyed) return Buffer.alloc(0);
    const fields = headersOf(head.fields.split("\r\n"));
    if (head.status < 200) {
      if (!this.stream.headersSent) this.stream.additionalHeaders({ ":status": head.status, ...fields });
      return this.bodyBehindHead(input.subarray(head.end));
    }
    this.head = head;
    this.chunks = head.framing === "chunked" ? new ChunkedBody() : undefined;
    const endStream = head.framing === "none";
    // Without this, a stream that is closed with an error is ended like a whole one first: half an answer taken for all.
    this.stream.respond({ ":status": head.status, ...fields }, { endStream, waitForTrailers: !endStream });
    return head.framing === "none" ? Buffer.alloc(0) : this.bodyOf(input, head.end);
  }

  private bodyOf(input: Buffer, from: number): Buffer {
    if (!this.chunks) return input.subarray(from);
    const parts: Buffer[] = [];
    this.chunks.read(input, from, (start, end) => void parts.push(input.subarray(start, end)));
    return Buffer.concat(parts);
  }
}

/** Undefined when something in it would change the message's meaning in HTTP/1.1. */
function requestText(headers: IncomingHttpHeaders, isChunked: boolean): string | undefined {
  const [method, path, authority] = [":method", ":path", ":authority"].map((name) => headers[name]?.toString() ?? "");
  const host = authority || headers.host || "";
  // Whoever looks at the one must not see another site than who looks at the other (RFC 9113 §8.3.1).
  if (headers.host !== undefined && headers.host.toLowerCase() !== host.toLowerCase()) return undefined;
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close"];
  if (isChunked) lines.push("Transfer-Encoding: chunked");
  else if (headers["content-length"] !== undefined) lines.push(`Content-Length: ${headers["content-length"]}`);
  for (const [name, value] of Object.entries(headers)) {
    if (hopByHop.test(name) || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
  }
  if (!/^[A-Z]+$/.test(method ?? "") || /\s/.test(path ?? "")) return undefined;
  return lines.some((line) => /[\r\n\0]/.test(line)) ? undefined : `${lines.join("\r\n")}\r\n\r\n`;
}

/** What would be no line of its own is left out; the chunked reader behind judges the rest. */
function linesOf(fields: IncomingHttpHeaders): string {
  const lines = Object.entries(fields).flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}`));
  return lines
    .filter((line) => !/[\r\n\0]/.test(line))
    .map((line) => `${line}\r\n`)
    .join("");
}

function headersOf(lines: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    const before = headers[name];
    // Repeated fields are one, with commas between (RFC 9110 §5.3); only of cookies that would not be true.
    if (name === "set-cookie") headers[name] = [before ?? [], value].flat();
    else headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}
