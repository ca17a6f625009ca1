// A client's connection: reads requests one after the other, has each answered by a replica or by the router itself.
// One request is in work at a time; what a client sends ahead waits.
import type { Socket } from "node:net";
import type { Ms } from "../../domain/frame.ts";
import { withSharedBuffer } from "./accepted.ts";
import { ChunkedBody } from "./chunks.ts";
import { type AnswerHead, headLimits, type RequestHead, readRequest } from "./head.ts";
import { type OwnAnswer, ownAnswer } from "./own-answer.ts";
import type { Lasting, Replica } from "./replica.ts";
import type { Routing } from "./routing.ts";
import type { Chosen, Revision, Service, Wanted } from "./service.ts";
import { Tunnel } from "./tunnel.ts";
import { Upstream } from "./upstream.ts";
import type { Held } from "./waiting-room.ts";

/** What all connections share. */
export interface Shop {
  readonly routing: Routing;
  readonly clients: Set<Client>;
  readonly limits: Limits;
  /** Milliseconds since the epoch, and a finer clock for latencies. */
  readonly now: () => Ms;
  readonly elapsed: () => Ms;
  readonly requestId: () => string;
  isStopping: boolean;
}

export interface Limits {
  readonly headMs: Ms;
  readonly idleMs: Ms;
  readonly bodyStallMs: Ms;
  readonly answerMs: Ms;
  readonly bodyBytesMax: number;
}

export const defaultLimits: Limits = {
  headMs: 10_000,
  idleMs: 75_000,
  bodyStallMs: 30_000,
  answerMs: 60_000,
  bodyBytesMax: Number.POSITIVE_INFINITY,
};

/** "closing": nothing more is read as a request; what was written goes out. */
type Phase = "head" | "held" | "sent" | "tunnel" | "closing";

/** Sent once and kept, in case it has to be sent again. */
const replayBytesMax = 65_536;
const aheadBytesMax = 65_536;
const attemptsMax = 3;
const lingerMs = 2_000;
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "SEARCH", "REPORT"]);

export class Client implements Held, Lasting {
  readonly socket: Socket;
  tunnel: Tunnel | undefined;
  method = "GET";
  minor = 1;
  isBodySent = true;
  private readonly shop: Shop;
  private readonly listener: string;
  private readonly address: string;
  private readonly proto: string;
  private phase: Phase = "head";
  private rest: Buffer | undefined;
  private since: Ms;
  private keepsAlive = true;
  private isGone = false;

  // The request in work.
  private startedMs: Ms = 0;
  private service: Service | undefined;
  private wanted: Wanted | undefined;
  private routeClass = "";
  private headText = "";
  private upgrade = "";
  private bodyLeft = 0;
  private chunks: ChunkedBody | undefined;
  private sent: Buffer[] = [];
  private sentBytes = 0;
  private isReplayable = true;
  private attempts = 0;
  private avoid: Replica | undefined;
  private revision: Revision | undefined;
  private replica: Replica | undefined;
  private upstream: Upstream | undefined;
  private status = 0;
  private isLasting = false;
  private heldUntilMs: Ms = 0;

  constructor(accepted: Socket, o: { shop: Shop; listener: string; proto: "http" | "https" }) {
    const socket = withSharedBuffer(accepted, (bytes) => this.onBytes(bytes));
    this.socket = socket;
    this.shop = o.shop;
    this.listener = o.listener;
    this.proto = o.proto;
    this.address = (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
    this.since = o.shop.now();
    o.shop.clients.add(this);
    socket.setNoDelay(true);
    socket.on("drain", () => this.upstream?.socket.resume());
    socket.on("end", () => this.onGone());
    socket.on("error", () => this.onGone());
    socket.on("close", () => this.onGone());
  }

  nowMs(): Ms {
    return this.shop.now();
  }

  get heldBytes(): number {
    return this.headText.length + (this.rest?.length ?? 0);
  }

  /** `bytes` are only there until this returns: what is kept is copied. */
  onBytes(bytes: Buffer): void {
    if (this.phase === "tunnel") this.tunnel?.fromClient(Buffer.from(bytes));
    else if (this.phase === "sent" && !this.isBodySent) this.relayBody(Buffer.from(bytes));
    else if (this.phase === "head" && !this.rest) {
      this.since = this.shop.now();
      this.readRequests(bytes);
    } else if (this.phase !== "closing") {
      this.rest = this.rest ? Buffer.concat([this.rest, bytes]) : Buffer.from(bytes);
      if (this.phase === "head") this.readRequests(this.rest);
      else if (this.rest.length > aheadBytesMax) this.socket.pause();
    }
  }

  /** Iterates, since answers of the router's own come at once and many requests may wait in one buffer. */
  private readRequests(from: Buffer): void {
    let input: Buffer | undefined = from;
    while (this.phase === "head" && input) {
      const head = readRequest(input, 0, headLimits);
      if (head === undefined) {
        this.rest = input === this.rest ? input : Buffer.from(input);
        return;
      }
      if ("refused" in head) return this.refuse(head.status, head.refused);
      this.rest = head.end < input.length ? Buffer.from(input.subarray(head.end)) : undefined;
      this.begin(head, input);
      input = this.rest;
    }
  }

  private begin(head: RequestHead, input: Buffer): void {
    this.startedMs = this.shop.elapsed();
    this.method = head.method;
    this.minor = head.minor;
    this.keepsAlive = head.keepAlive && !this.shop.isStopping;
    this.upgrade = head.upgrade;
    this.isBodySent = head.framing === "none";
    this.bodyLeft = head.lengthBytes;
    this.chunks = head.framing === "chunked" ? new ChunkedBody() : undefined;
    if (head.lengthBytes > this.shop.limits.bodyBytesMax) return this.refuse(413, "body too long");
    const found = this.shop.routing.find(this.listener, head.host, head.path);
    if (!found) return this.answer({ status: 404, error: "no-service" });
    this.service = found.service;
    this.wanted = found.service.routed.routes.length > 0 ? found.service.wantedBy(head, input) : undefined;
    this.routeClass = found.service.tally.classes.of(head.method, head.path);
    this.headText = this.headFor(head, found.strip);
    this.attempts = 0;
    this.avoid = undefined;
    this.heldUntilMs = 0;
    this.sent = [];
    this.sentBytes = 0;
    this.isReplayable = true;
    this.dispatch();
  }

  private headFor(head: RequestHead, strip: number): string {
    const target = strip === 0 ? head.target : head.target.slice(strip).replace(/^(?!\/)/, "/");
    const framing = head.framing === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
    const upgrade = head.upgrade === "" ? "" : `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    const host = head.host === "" ? "Host: \r\n" : "";
    const from = this.address.includes(":") ? `"[${this.address}]"` : this.address;
    return (
      `${head.method} ${target} HTTP/1.1\r\n${host}${head.fields}${framing}${upgrade}` +
      `X-Forwarded-For: ${this.address}\r\nX-Forwarded-Proto: ${this.proto}\r\nX-Forwarded-Host: ${head.host}\r\n` +
      `Forwarded: for=${from};host="${head.host}";proto=${this.proto}\r\nVia: 1.${head.minor} sluice\r\n` +
      `X-Request-Id: ${head.requestId || this.shop.requestId()}\r\n\r\n`
    );
  }

  private dispatch(): void {
    const chosen = this.choose();
    if (chosen) this.send(chosen);
    else this.hold();
  }

  private choose(): Chosen | undefined {
    return this.service?.choose({ wanted: this.wanted, avoid: this.avoid, nowMs: this.shop.now() });
  }

  private send({ revision, replica }: Chosen): void {
    this.phase = "sent";
    this.status = 0;
    this.since = this.shop.now();
    this.attempts++;
    this.revision = revision;
    this.replica = replica;
    replica.inFlight++;
    // A request that may not be sent twice is not put on a connection that is about to be closed.
    const idleMsMax = idempotent.has(this.method) ? 4_000 : 2_000;
    const pooled = this.attempts === 1 ? replica.take(this.shop.now(), idleMsMax) : undefined;
    const upstream = pooled ?? new Upstream(replica);
    upstream.begin(this);
    this.upstream = upstream;
    upstream.socket.write(this.headText, "latin1");
    for (const part of this.sent) upstream.socket.write(part);
    const rest = this.rest;
    if (!this.isBodySent && rest) {
      this.rest = undefined;
      this.relayBody(rest);
    }
    this.socket.resume();
  }

  private relayBody(bytes: Buffer): void {
    const end = this.bodyEnd(bytes);
    if (this.chunks?.problem) return this.refuseBody(400, this.chunks.problem);
    if (end < bytes.length) this.rest = bytes.subarray(end);
    const part = end < bytes.length ? bytes.subarray(0, end) : bytes;
    this.remember(part);
    this.since = this.shop.now();
    if (this.upstream && !this.upstream.socket.write(part)) this.socket.pause();
  }

  private bodyEnd(bytes: Buffer): number {
    if (this.chunks) {
      const end = this.chunks.read(bytes, 0);
      this.isBodySent = this.chunks.isDone;
      return end;
    }
    const end = Math.min(bytes.length, this.bodyLeft);
    this.bodyLeft -= end;
    this.isBodySent = this.bodyLeft === 0;
    return end;
  }

  private remember(part: Buffer): void {
    this.sentBytes += part.length;
    if (this.sentBytes > replayBytesMax) {
      this.isReplayable = false;
      this.sent = [];
    } else this.sent.push(part);
  }

  /** The replica can take more of the body. */
  readOn(): void {
    if (this.phase === "tunnel" || !this.isBodySent) this.socket.resume();
  }

  // Held while nothing is ready.

  private hold(): void {
    const service = this.service;
    if (!service) return;
    const { maxMs, maxBytes } = service.routed.buffer;
    if (this.heldUntilMs === 0) this.heldUntilMs = this.shop.now() + maxMs;
    this.phase = "held";
    if (this.wanted?.isStrict && !this.wanted.revision) this.turnAway("no-revision");
    else if (maxMs <= 0 || this.heldUntilMs <= this.shop.now()) this.turnAway("nothing-ready");
    else if (!service.waiting.enter(this, { untilMs: this.heldUntilMs, maxBytes })) this.turnAway("buffer-full");
    else this.socket.pause();
  }

  release(): boolean {
    const chosen = this.choose();
    if (!chosen) return false;
    this.service?.waiting.leave(this);
    this.send(chosen);
    return true;
  }

  giveUp(): void {
    this.turnAway("nothing-ready");
  }

  private turnAway(error: string): void {
    if (this.service) this.service.unanswered++;
    this.socket.resume();
    this.answer({ status: 503, error, page: this.service?.routed.maintenancePage, retryAfterSeconds: 2 });
  }

  // What the replica answers.

  answerInterim(head: AnswerHead): void {
    if (this.minor === 1) this.socket.write(`HTTP/1.1 ${head.statusText}\r\n${head.fields}\r\n`, "latin1");
  }

  /** The head as the client gets it; sent by the caller together with the first bytes of the body. */
  answerHead(head: AnswerHead, relay: "as it is" | "into chunks" | "out of chunks"): string {
    this.status = head.status;
    if (!this.isBodySent || this.shop.isStopping) this.keepsAlive = false;
    if (this.minor === 0 && (relay === "out of chunks" || head.framing === "eof")) this.keepsAlive = false;
    if (head.isEventStream && this.replica) {
      this.isLasting = true;
      this.replica.lasting.add(this);
      this.record(head.status);
    }
    const framing =
      relay === "into chunks" || (head.framing === "chunked" && relay === "as it is")
        ? "Transfer-Encoding: chunked\r\n"
        : "";
    const connection = this.keepsAlive
      ? this.minor === 0
        ? "Connection: keep-alive\r\n"
        : ""
      : "Connection: close\r\n";
    return `HTTP/1.1 ${head.statusText}\r\n${head.fields}${this.revision?.stamp ?? ""}${framing}${connection}\r\n`;
  }

  /** The head was not sent yet: another answer may still be given. */
  takeBackHead(): void {
    this.status = 0;
  }

  answerUpgrade(upstream: Upstream, head: AnswerHead, first: Buffer): void {
    if (this.upgrade === "" || head.upgrade.toLowerCase() !== this.upgrade)
      return this.upstreamMalformed(upstream, "upgrade not asked for");
    this.phase = "tunnel";
    this.status = 101;
    this.record(101);
    const connection = `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
    this.socket.write(
      `HTTP/1.1 ${head.statusText}\r\n${head.fields}${this.revision?.stamp ?? ""}${connection}\r\n`,
      "latin1",
    );
    const isWebSocket = head.upgrade === "websocket";
    this.tunnel = new Tunnel({ client: this.socket, replica: upstream.socket, isWebSocket });
    this.replica?.lasting.add(this.tunnel);
    if (first.length > 0) this.tunnel.fromReplica(first);
    if (this.rest) this.tunnel.fromClient(this.rest);
    this.rest = undefined;
    this.socket.resume();
    if (this.replica?.isDraining) this.tunnel.endForDrain();
  }

  answerDone(): void {
    if (!this.isLasting) this.record(this.status);
    this.letGo();
    if (!this.keepsAlive) return this.endConnection();
    this.phase = "head";
    this.since = this.shop.now();
    if (this.rest) this.readRequests(this.rest);
    this.socket.resume();
  }

  /** An event stream on a replica that leaves: the client comes back by itself (`retry:`). */
  endForDrain(): void {
    this.upstream?.close();
    this.letGo();
    this.socket.end(this.minor === 1 ? "0\r\n\r\n" : "", "latin1");
    this.phase = "closing";
  }

  upstreamMalformed(upstream: Upstream, _why: string): void {
    upstream.close();
    this.fail("upstream-malformed");
  }

  upstreamLost(upstream: Upstream): void {
    if (this.phase === "tunnel") {
      this.letGo();
      this.endConnection();
      return;
    }
    if (this.status !== 0) return this.fail("upstream-closed");
    if (!upstream.isConnected) {
      upstream.replica.refused(this.shop.now());
      if (this.isReplayable) return this.again(upstream.replica);
      return this.fail("upstream-refused");
    }
    if (!upstream.isReused) this.record(502);
    if (this.isReplayable && this.attempts < attemptsMax && idempotent.has(this.method))
      return this.again(upstream.replica);
    this.fail("upstream-closed");
  }

  private again(avoid: Replica): void {
    const { revision, wanted } = this;
    this.letGo();
    this.avoid = avoid;
    if (!wanted && revision) this.wanted = { revision, isStrict: false };
    this.dispatch();
  }

  /** No answer can be had: says so, or cuts the connection when half an answer is out already. */
  private fail(error: string): void {
    this.record(error === "upstream-timeout" ? 504 : 502);
    const isBegun = this.status !== 0;
    this.letGo();
    if (isBegun) {
      this.phase = "closing";
      this.socket.destroy();
    } else this.answer({ status: error === "upstream-timeout" ? 504 : 502, error });
  }

  private record(status: number): void {
    if (!this.service || !this.revision || !this.replica) return;
    this.service.tally.record({
      revision: this.revision.id,
      replica: this.replica.id,
      routeClass: this.routeClass,
      isError: status >= 500,
      latencyMs: this.shop.elapsed() - this.startedMs,
    });
  }

  /** Ends the bond with the replica. */
  private letGo(): void {
    const { replica } = this;
    if (replica) {
      replica.inFlight--;
      if (this.isLasting) replica.lasting.delete(this);
      if (this.tunnel) replica.lasting.delete(this.tunnel);
    }
    this.isLasting = false;
    this.replica = undefined;
    if (this.upstream?.client === this) this.upstream.close();
    this.upstream = undefined;
  }

  // What the router answers itself.

  private refuse(status: number, why: string): void {
    this.keepsAlive = false;
    this.answer({ status, error: why.replaceAll(" ", "-").toLowerCase() });
  }

  /** In the middle of a body: the replica's connection is lost with it, and so is ours when the answer has begun. */
  private refuseBody(status: number, why: string): void {
    const isBegun = this.status !== 0;
    this.letGo();
    if (!isBegun) return this.refuse(status, why);
    this.phase = "closing";
    this.socket.destroy();
  }

  private answer(o: OwnAnswer): void {
    if (!this.isBodySent) this.keepsAlive = false;
    const text = ownAnswer({ ...o, close: !this.keepsAlive, withoutBody: this.method === "HEAD" });
    this.socket.write(text);
    if (!this.keepsAlive) this.endConnection();
    else {
      this.phase = "head";
      this.since = this.shop.now();
    }
  }

  /** Says goodbye and reads on for a while: bytes that nobody reads would make the kernel cut our last answer off. */
  private endConnection(): void {
    this.phase = "closing";
    this.rest = undefined;
    this.since = this.shop.now();
    this.socket.end();
    this.socket.resume();
  }

  private onGone(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.shop.clients.delete(this);
    this.service?.waiting.leave(this);
    if (this.phase === "sent" && !this.isLasting) this.record(this.status || 499);
    this.letGo();
    this.phase = "closing";
    this.rest = undefined;
    this.socket.end();
    if (this.tunnel) this.socket.destroy();
  }

  /** Called about twice a second. */
  checkTime(nowMs: Ms): void {
    const { limits, isStopping } = this.shop;
    const waited = nowMs - this.since;
    if (this.phase === "closing" && waited > lingerMs) this.socket.destroy();
    else if (this.phase === "head" && this.rest && waited > limits.headMs) this.refuse(408, "head timeout");
    else if (this.phase === "head" && !this.rest && waited > (isStopping ? lingerMs : limits.idleMs))
      this.endConnection();
    else if (this.phase === "sent" && !this.isBodySent && waited > limits.bodyStallMs)
      this.refuseBody(408, "body timeout");
    else if (this.phase === "sent" && this.isBodySent && this.status === 0 && waited > limits.answerMs) {
      this.fail("upstream-timeout");
    }
  }

  /** The router stops: long-lived connections end now, requests in work may finish. */
  stop(): void {
    if (this.tunnel) this.tunnel.endForDrain();
    else if (this.isLasting) this.endForDrain();
  }
}
