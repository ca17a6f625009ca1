// One request and its answer: chooses a replica, holds while there is none, sends, repeats where that does no harm, and says
// how it ended. The client's connection lives longer; a connection to a replica may serve several attempts of others.
import type { Ms } from "../../domain/frame.ts";
import type { Connection } from "./accepted.ts";
import type { AnswerHead } from "./head.ts";
import type { Asked } from "./intake.ts";
import { Mirror } from "./mirror.ts";
import type { OwnAnswer } from "./own-answer.ts";
import type { Lasting, Replica } from "./replica.ts";
import { RequestBody } from "./request-body.ts";
import type { Chosen, Revision, Wanted } from "./service.ts";
import type { Shop } from "./shop.ts";
import { Tunnel } from "./tunnel.ts";
import { type Asker, type Relay, Upstream } from "./upstream.ts";
import type { Held } from "./waiting-room.ts";

/** The client's connection, as far as an exchange needs it. */
export interface ClientSide {
  readonly socket: Connection;
  readonly shop: Shop;
  /** May serve another request after this one. */
  keepsAlive: boolean;
  /** Bytes that came behind the head. */
  takeAhead(): Buffer | undefined;
  putBack(bytes: Buffer): void;
  /** The exchange is over: answered from a replica, by the router itself, with a refusal that ends the connection, or not at all. */
  done(): void;
  answer(own: OwnAnswer): void;
  refuse(status: number, why: string): void;
  end(): void;
  cut(): void;
}

/** "answering": at least the head is out. */
type State = "held" | "sent" | "answering" | "tunnel" | "over";

const attemptsMax = 3;
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "SEARCH", "REPORT"]);
/** A request that may not be repeated is not put on a connection that the replica may be about to close. */
const idleMsMax = { repeatable: 4_000, once: 2_000 };
const defaultEjection = { failuresInRow: 5, forMs: 10_000 };

export class Exchange implements Asker, Held, Lasting {
  readonly socket: Connection;
  readonly method: string;
  readonly minor: number;
  readonly body: RequestBody;
  tunnel: Tunnel | undefined;
  private readonly client: ClientSide;
  private readonly shop: Shop;
  private readonly asked: Asked;
  private readonly startedMs: Ms;
  private state: State = "held";
  /** Of the last byte that went either way. */
  private since: Ms = 0;
  private wanted: Wanted | undefined;
  private attempts = 0;
  private avoid: Replica | undefined;
  private revision: Revision | undefined;
  private replica: Replica | undefined;
  private upstream: Upstream | undefined;
  private status = 0;
  private isLasting = false;
  private heldUntilMs: Ms = 0;

  constructor(client: ClientSide, asked: Asked, startedMs: Ms) {
    this.client = client;
    this.socket = client.socket;
    this.shop = client.shop;
    this.asked = asked;
    this.startedMs = startedMs;
    this.method = asked.head.method;
    this.minor = asked.head.minor;
    this.body = new RequestBody(asked.head);
    this.wanted = asked.wanted;
  }

  get isBodySent(): boolean {
    return this.body.isSent;
  }

  /** Bytes from the client belong to its body, or to what came after an upgrade. */
  get takesBytes(): boolean {
    return this.state === "tunnel" || (!this.body.isSent && this.state !== "held");
  }

  get heldBytes(): number {
    return this.asked.text.length + this.body.bytes;
  }

  nowMs(): Ms {
    return this.shop.now();
  }

  start(): void {
    const chosen = this.choose();
    if (chosen) this.send(chosen);
    else this.hold();
  }

  private choose(): Chosen | undefined {
    return this.asked.service.choose({ wanted: this.wanted, avoid: this.avoid, nowMs: this.shop.now() });
  }

  private send({ revision, replica }: Chosen): void {
    const now = this.shop.now();
    this.state = "sent";
    this.status = 0;
    this.since = now;
    this.revision = revision;
    this.replica = replica;
    replica.inFlight++;
    const isFirst = ++this.attempts === 1;
    if (isFirst && this.body.isSent && this.asked.head.upgrade === "") this.mirror(revision);
    const idleMs = idempotent.has(this.method) ? idleMsMax.repeatable : idleMsMax.once;
    const upstream = (isFirst ? replica.take(now, idleMs) : undefined) ?? new Upstream(replica);
    upstream.begin(this);
    this.upstream = upstream;
    upstream.socket.write(this.asked.text, "latin1");
    for (const part of this.body.sent) upstream.socket.write(part);
    const ahead = this.body.isSent ? undefined : this.client.takeAhead();
    if (ahead) this.fromClient(ahead);
    this.socket.resume();
  }

  private mirror(revision: Revision): void {
    const { service, text } = this.asked;
    const copy = service.routed.mirror && service.mirrorTo(this.method, this.shop.now());
    if (!copy || service.routed.mirror?.to === revision.id) return;
    Mirror.send({ ...copy, method: this.method, headText: text, now: this.shop.now });
  }

  /** `bytes` are kept: no view of a shared buffer. */
  fromClient(bytes: Buffer): void {
    if (this.tunnel) return this.tunnel.fromClient(bytes);
    const end = this.body.take(bytes);
    if (this.body.problem !== "") return this.refuse(400, this.body.problem);
    if (this.body.bytes > (this.asked.service.routed.bodyBytesMax ?? Number.POSITIVE_INFINITY))
      return this.refuse(413, "body too long");
    if (end < bytes.length) this.client.putBack(bytes.subarray(end));
    this.since = this.shop.now();
    if (this.upstream && !this.upstream.socket.write(bytes.subarray(0, end))) this.socket.pause();
  }

  readOn(): void {
    if (this.takesBytes) this.socket.resume();
  }

  /** The client took what was written. */
  writeOn(): void {
    this.since = this.shop.now();
    this.upstream?.socket.resume();
  }

  // While nothing is ready.

  private hold(): void {
    const { waiting, routed, revisions } = this.asked.service;
    const { maxMs, maxBytes } = routed.buffer;
    const now = this.shop.now();
    if (this.heldUntilMs === 0) this.heldUntilMs = now + maxMs;
    this.state = "held";
    if (this.wanted?.isStrict && !revisions.has(this.wanted.to)) this.turnAway("no-revision");
    else if (this.heldUntilMs <= now) this.turnAway("nothing-ready");
    else if (!waiting.enter(this, { untilMs: this.heldUntilMs, maxBytes })) this.turnAway("buffer-full");
    else this.socket.pause();
  }

  release(): boolean {
    const chosen = this.choose();
    if (!chosen) return false;
    this.asked.service.waiting.leave(this);
    this.send(chosen);
    return true;
  }

  giveUp(): void {
    this.turnAway("nothing-ready");
  }

  private turnAway(error: string): void {
    const { service } = this.asked;
    service.unanswered++;
    if (this.shop.log.wants(503)) this.log(503);
    this.over();
    this.client.answer({ status: 503, error, page: service.routed.maintenancePage, retryAfterSeconds: 2 });
  }

  // What the replica answers.

  answerInterim(head: AnswerHead): void {
    if (this.minor === 1) this.socket.write(`HTTP/1.1 ${head.statusText}\r\n${head.fields}\r\n`, "latin1");
  }

  answerHead(head: AnswerHead, relay: Relay): string {
    const { client, revision, replica } = this;
    this.state = "answering";
    this.status = head.status;
    replica?.succeeded();
    if (!this.body.isSent || this.shop.isStopping) client.keepsAlive = false;
    if (this.minor === 0 && (relay === "out of chunks" || head.framing === "eof")) client.keepsAlive = false;
    if (head.isEventStream && replica) {
      this.isLasting = true;
      replica.lasting.add(this);
      this.record(head.status);
    }
    const isChunked = relay === "into chunks" || (head.framing === "chunked" && relay === "as it is");
    const framing = isChunked ? "Transfer-Encoding: chunked\r\n" : "";
    const kept = this.minor === 0 ? "Connection: keep-alive\r\n" : "";
    const connection = client.keepsAlive ? kept : "Connection: close\r\n";
    const cookie = this.asked.needsPlace ? this.placeCookie() : "";
    return `HTTP/1.1 ${head.statusText}\r\n${head.fields}${revision?.stamp ?? ""}${cookie}${framing}${connection}\r\n`;
  }

  private placeCookie(): string {
    const { service, sender } = this.asked;
    return service.sticky?.setCookie(this.revision?.id ?? "", sender.proto === "https") ?? "";
  }

  takeBackHead(): void {
    this.state = "sent";
  }

  stalled(): void {
    this.since = this.shop.now();
  }

  answerUpgrade(upstream: Upstream, head: AnswerHead, first: Buffer): void {
    const { upgrade } = this.asked.head;
    if (upgrade === "" || head.upgrade !== upgrade) return this.upstreamMalformed(upstream);
    this.state = "tunnel";
    this.record(101);
    const lines = `${head.fields}${this.revision?.stamp ?? ""}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
    this.socket.write(`HTTP/1.1 ${head.statusText}\r\n${lines}\r\n`, "latin1");
    const tunnel = new Tunnel({ client: this.socket, replica: upstream.socket, isWebSocket: upgrade === "websocket" });
    this.tunnel = tunnel;
    this.replica?.lasting.add(tunnel);
    if (first.length > 0) tunnel.fromReplica(first);
    const ahead = this.client.takeAhead();
    if (ahead) tunnel.fromClient(ahead);
    this.socket.resume();
    if (this.replica?.isDraining) tunnel.endForDrain();
  }

  answerDone(): void {
    if (!this.isLasting) this.record(this.status);
    this.over();
    this.client.done();
  }

  // What goes wrong.

  upstreamMalformed(upstream: Upstream): void {
    upstream.close();
    this.fail("upstream-malformed");
  }

  upstreamLost(upstream: Upstream): void {
    if (this.state === "tunnel") {
      this.over();
      return this.client.end();
    }
    if (this.state === "answering") return this.fail("upstream-closed");
    if (!upstream.isConnected) {
      upstream.replica.refused(this.shop.now());
      return this.body.isRepeatable ? this.repeat(upstream.replica) : this.fail("upstream-refused");
    }
    // On a connection that was used before it is the race with its end: nobody's fault.
    if (!upstream.isReused) this.countFailure(502);
    const mayRepeat = this.body.isRepeatable && this.attempts < attemptsMax && idempotent.has(this.method);
    if (mayRepeat && this.asked.service.retries.spend()) return this.repeat(upstream.replica);
    if (upstream.isReused) this.countFailure(502);
    this.giveNone("upstream-closed");
  }

  private repeat(avoid: Replica): void {
    const { revision } = this;
    this.letGo();
    this.avoid = avoid;
    // The draw has been made; whoever repeats does not draw again.
    if (revision) this.wanted ??= { to: revision.id, isStrict: false };
    this.start();
  }

  private fail(error: string): void {
    this.countFailure(error === "upstream-timeout" ? 504 : 502);
    this.giveNone(error);
  }

  private countFailure(status: number): void {
    this.record(status);
    this.replica?.failed(this.shop.now(), this.asked.service.routed.ejection ?? defaultEjection);
  }

  /** No answer can be had: says so, or cuts the connection when a part of one is out already. */
  private giveNone(error: string): void {
    const isBegun = this.state === "answering";
    this.over();
    if (isBegun) this.client.cut();
    else this.client.answer({ status: error === "upstream-timeout" ? 504 : 502, error });
  }

  /** In the middle of the client's body. */
  private refuse(status: number, why: string): void {
    const isBegun = this.state === "answering";
    this.over();
    if (isBegun) this.client.cut();
    else this.client.refuse(status, why);
  }

  /** The client is gone. */
  abandon(): void {
    this.asked.service.waiting.leave(this);
    if ((this.state === "sent" || this.state === "answering") && !this.isLasting) this.record(this.status || 499);
    this.over();
  }

  checkTime(nowMs: Ms): void {
    const { limits } = this.shop;
    const waited = nowMs - this.since;
    const isWaiting = this.state === "sent" && this.body.isSent;
    if (this.takesBytes && !this.tunnel && waited > limits.bodyStallMs) this.refuse(408, "body timeout");
    else if (isWaiting && waited > (this.asked.service.routed.answerMs ?? limits.answerMs))
      this.fail("upstream-timeout");
    else if (this.state === "answering" && this.socket.writableNeedDrain && waited > limits.bodyStallMs)
      this.giveNone("client-stalled");
  }

  /** The router stops: what lasts long ends now, the rest may finish. */
  stop(): void {
    if (this.tunnel) this.tunnel.endForDrain();
    else if (this.isLasting) this.endForDrain();
  }

  /** An event stream on a replica that leaves: the client comes back by itself (`retry:`). */
  endForDrain(): void {
    const ending = this.upstream?.endEarly();
    this.over();
    if (ending === undefined) return this.client.cut();
    this.socket.write(ending, "latin1");
    this.client.end();
  }

  private record(status: number): void {
    const { revision, replica } = this;
    if (!revision || !replica) return;
    if (this.shop.log.wants(status)) this.log(status);
    this.asked.service.tally.record({
      revision: revision.id,
      replica: replica.id,
      routeClass: this.asked.routeClass,
      isError: status >= 500,
      latencyMs: this.shop.elapsed() - this.startedMs,
    });
  }

  private log(status: number): void {
    const { head, service, sender, requestId } = this.asked;
    this.shop.log.write({
      at: new Date(this.shop.now()).toISOString(),
      service: service.key,
      revision: this.revision?.id ?? "",
      replica: this.replica?.id ?? "",
      client: sender.client,
      method: this.method,
      path: head.path,
      status,
      ms: Math.round((this.shop.elapsed() - this.startedMs) * 1_000) / 1_000,
      requestId,
      ...(head.traceparent !== "" && { traceparent: head.traceparent }),
    });
  }

  private over(): void {
    this.state = "over";
    this.letGo();
  }

  /** Ends the bond with the replica. */
  private letGo(): void {
    const { replica, upstream } = this;
    if (replica) {
      replica.inFlight--;
      replica.lasting.delete(this);
      if (this.tunnel) replica.lasting.delete(this.tunnel);
    }
    this.replica = undefined;
    this.revision = undefined;
    this.upstream = undefined;
    if (upstream?.client === this) upstream.close();
  }
}
