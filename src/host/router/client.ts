// A client's connection: reads requests one after the other, has each answered by a replica or by the router itself.
// One request is in work at a time; what a client sends ahead waits.
import type { Ms } from "../../domain/frame.ts";
import { type Connection, withSharedBuffer } from "./accepted.ts";
import type { AccessLog } from "./access-log.ts";
import { clientBehind } from "./addresses.ts";
import { ChunkedBody } from "./chunks.ts";
import type { Connections } from "./connections.ts";
import { type AnswerHead, headLimits, isHost, type RequestHead, readRequest } from "./head.ts";
import { Mirror } from "./mirror.ts";
import { type OwnAnswer, ownAnswer } from "./own-answer.ts";
import type { Lasting, Replica } from "./replica.ts";
import { requestText } from "./request-text.ts";
import type { Entry, Routing } from "./routing.ts";
import { type Chosen, cookieValue, type Revision, type Service, type Wanted } from "./service.ts";
import type { Sticky } from "./sticky.ts";
import { Tunnel } from "./tunnel.ts";
import { type Asker, type Relay, Upstream } from "./upstream.ts";
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
  readonly log: AccessLog;
  readonly connections: Connections;
  isStopping: boolean;
}

export interface Limits {
  readonly headMs: Ms;
  readonly idleMs: Ms;
  readonly bodyStallMs: Ms;
  readonly answerMs: Ms;
}

export const defaultLimits: Limits = {
  headMs: 10_000,
  idleMs: 75_000,
  bodyStallMs: 30_000,
  answerMs: 60_000,
};

/** "closing": nothing more is read as a request; what was written goes out. */
type Phase = "head" | "held" | "sent" | "tunnel" | "closing";

/** Sent once and kept, in case it has to be sent again. */
const replayBytesMax = 262_144;
const aheadBytesMax = 65_536;
const attemptsMax = 3;
const lingerMs = 2_000;
const defaultEjection = { failuresInRow: 5, forMs: 10_000 };
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "SEARCH", "REPORT"]);

export class Client implements Asker, Held, Lasting {
  readonly socket: Connection;
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
  private isCounted = false;

  // The request in work.
  private head: RequestHead | undefined;
  /** Who asks: the peer, or whom a trusted peer names. */
  private client: string;
  private forwardedFor = "";
  private forwardedProto: string;
  private forwardedHost = "";
  private requestId = "";
  private needsPlace = false;
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

  constructor(accepted: Connection, o: { shop: Shop; listener: string; proto: "http" | "https" }) {
    const socket = withSharedBuffer(accepted, (bytes) => this.onBytes(bytes));
    this.socket = socket;
    this.shop = o.shop;
    this.listener = o.listener;
    this.proto = o.proto;
    this.address = (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
    this.client = this.address;
    this.forwardedProto = o.proto;
    this.since = o.shop.now();
    o.shop.clients.add(this);
    socket.setNoDelay(true);
    socket.on("drain", () => {
      this.since = this.shop.now();
      this.upstream?.socket.resume();
    });
    socket.on("end", () => this.onGone());
    socket.on("error", () => this.onGone());
    socket.on("close", () => this.onGone());
    const max = o.shop.routing.entries.get(o.listener)?.connectionsPerClientMax ?? Number.POSITIVE_INFINITY;
    this.isCounted = true;
    if (o.shop.connections.enter(this.address) > max) this.refuse(429, "too many connections");
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
    this.head = head;
    this.service = undefined;
    this.attempts = 0;
    this.avoid = undefined;
    this.heldUntilMs = 0;
    this.sent = [];
    this.sentBytes = 0;
    this.isReplayable = true;
    const { routing } = this.shop;
    const entry = routing.entries.get(this.listener);
    const found = entry && routing.find(entry, head.host, head.path);
    if (!found) return this.answer({ status: 404, error: "no-service" });
    this.service = found.service;
    this.readSender(head, entry);
    const refused = found.service.guard?.refuse({ ...head, address: this.client, nowMs: this.shop.now() });
    if (refused) return this.answer(refused);
    this.wanted = found.service.routed.routes.length > 0 ? found.service.wantedBy(head, input) : undefined;
    this.needsPlace = false;
    if (found.service.sticky && !this.wanted) this.findPlace(found.service.sticky, head.cookie);
    this.routeClass = found.service.tally.classes.of(head.method, head.path);
    found.service.retries.earn();
    this.headText = this.textFor(head, found.strip);
    this.dispatch();
  }

  /** X-Forwarded-* is what the peer says: believed only of those that the listener trusts. */
  private readSender(head: RequestHead, entry: Entry): void {
    this.requestId = head.requestId || this.shop.requestId();
    this.client = this.address;
    this.forwardedFor = this.address;
    this.forwardedProto = this.proto;
    this.forwardedHost = head.host;
    if (!entry.trusted?.has(this.address)) return;
    if (head.forwardedFor !== "") {
      this.client = clientBehind(this.address, head.forwardedFor, entry.trusted);
      this.forwardedFor = `${head.forwardedFor}, ${this.address}`;
    }
    if (head.forwardedProto === "http" || head.forwardedProto === "https") this.forwardedProto = head.forwardedProto;
    if (isHost(head.forwardedHost)) this.forwardedHost = head.forwardedHost;
  }

  private findPlace(sticky: Sticky, cookies: string): void {
    const cookie = cookieValue(cookies, sticky.cookie);
    const revision = cookie === undefined ? undefined : sticky.revisionOf(cookie);
    if (revision === undefined) this.needsPlace = true;
    else this.wanted = { to: revision, isStrict: false };
  }

  private textFor(head: RequestHead, strip: number): string {
    const { client, forwardedFor, forwardedProto: proto, forwardedHost, requestId } = this;
    return requestText({ head, strip, client, forwardedFor, proto, forwardedHost, requestId });
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
    if (this.attempts === 1 && this.isBodySent && this.upgrade === "") this.mirror(revision);
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

  private mirror(revision: Revision): void {
    const copy = this.service?.mirrorTo(this.method, this.shop.now());
    if (!copy || this.service?.routed.mirror?.to === revision.id) return;
    Mirror.send({ ...copy, method: this.method, headText: this.headText, now: this.shop.now });
  }

  private relayBody(bytes: Buffer): void {
    const end = this.bodyEnd(bytes);
    if (this.chunks?.problem) return this.refuseBody(400, this.chunks.problem);
    if (end < bytes.length) this.rest = bytes.subarray(end);
    const part = end < bytes.length ? bytes.subarray(0, end) : bytes;
    this.remember(part);
    const max = this.service?.routed.bodyBytesMax;
    if (max !== undefined && this.sentBytes > max) return this.refuseBody(413, "body too long");
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
    if (this.wanted?.isStrict && !service.revisions.has(this.wanted.to)) this.turnAway("no-revision");
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
  answerHead(head: AnswerHead, relay: Relay): string {
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
    this.replica?.succeeded();
    const cookie = this.needsPlace ? this.placeCookie() : "";
    return `HTTP/1.1 ${head.statusText}\r\n${head.fields}${this.revision?.stamp ?? ""}${cookie}${framing}${connection}\r\n`;
  }

  private placeCookie(): string {
    return this.service?.sticky?.setCookie(this.revision?.id ?? "", this.forwardedProto === "https") ?? "";
  }

  stalled(): void {
    this.since = this.shop.now();
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
    if (!upstream.isReused) {
      this.record(502);
      this.countFailure();
    }
    const mayRepeat = this.isReplayable && this.attempts < attemptsMax && idempotent.has(this.method);
    if (mayRepeat && this.service?.retries.spend()) return this.again(upstream.replica);
    if (!upstream.isReused) return this.sayFailed("upstream-closed");
    this.fail("upstream-closed");
  }

  private again(avoid: Replica): void {
    const { revision, wanted } = this;
    this.letGo();
    this.avoid = avoid;
    if (!wanted && revision) this.wanted = { to: revision.id, isStrict: false };
    this.dispatch();
  }

  private fail(error: string): void {
    this.record(error === "upstream-timeout" ? 504 : 502);
    this.countFailure();
    this.sayFailed(error);
  }

  private countFailure(): void {
    this.replica?.failed(this.shop.now(), this.service?.routed.ejection ?? defaultEjection);
  }

  /** No answer can be had: says so, or cuts the connection when half an answer is out already. */
  private sayFailed(error: string): void {
    const isBegun = this.status !== 0;
    this.letGo();
    if (isBegun) {
      this.phase = "closing";
      this.socket.destroy();
    } else this.answer({ status: error === "upstream-timeout" ? 504 : 502, error });
  }

  private record(status: number): void {
    if (!this.service || !this.revision || !this.replica) return;
    if (this.shop.log.wants(status)) this.log(status);
    this.service.tally.record({
      revision: this.revision.id,
      replica: this.replica.id,
      routeClass: this.routeClass,
      isError: status >= 500,
      latencyMs: this.shop.elapsed() - this.startedMs,
    });
  }

  private log(status: number): void {
    const { head, service, revision, replica, requestId } = this;
    this.shop.log.write({
      at: new Date(this.shop.now()).toISOString(),
      service: service?.key ?? "",
      revision: revision?.id ?? "",
      replica: replica?.id ?? "",
      client: this.client,
      method: this.method,
      path: head?.path ?? "",
      status,
      ms: Math.round((this.shop.elapsed() - this.startedMs) * 1_000) / 1_000,
      requestId,
      ...(head && head.traceparent !== "" && { traceparent: head.traceparent }),
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
    this.revision = undefined;
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
    if (this.attempts === 0 && this.shop.log.wants(o.status)) this.log(o.status);
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
    if (this.isCounted) this.shop.connections.leave(this.address);
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
    else if (
      this.phase === "sent" &&
      this.isBodySent &&
      this.status === 0 &&
      waited > (this.service?.routed.answerMs ?? limits.answerMs)
    ) {
      this.fail("upstream-timeout");
    } else if (
      this.phase === "sent" &&
      this.status !== 0 &&
      this.socket.writableNeedDrain &&
      waited > limits.bodyStallMs
    ) {
      this.sayFailed("client-stalled");
    }
  }

  /** The router stops: long-lived connections end now, requests in work may finish. */
  stop(): void {
    if (this.tunnel) this.tunnel.endForDrain();
    else if (this.isLasting) this.endForDrain();
  }
}
