// One request and its answer: chooses a replica, holds while there is none, sends, repeats where that does no harm, and says
// how it ended. The client's connection lives longer; a connection to a replica may serve several attempts of others.
import type { Ms } from "../../domain/frame.ts";
import type { Connection } from "./accepted.ts";
import { account } from "./account.ts";
import { answerText, endsWithConnection, upgradeText } from "./answer-text.ts";
import { Bond } from "./bond.ts";
import type { ClientSide } from "./client-side.ts";
import type { AnswerHead } from "./head.ts";
import { Hold, type Waiter } from "./hold.ts";
import type { Asked } from "./intake.ts";
import { Mirror } from "./mirror.ts";
import type { Lasting } from "./replica.ts";
import type { Chosen } from "./service.ts";
import { Tunnel } from "./tunnel.ts";
import type { Asker, Relay, Upstream } from "./upstream.ts";

/** "answering": at least the head is out. */
type State = "held" | "sent" | "answering" | "tunnel" | "over";

/** An event stream that begins on a replica that already drains may say something before it ends. */
const lateStreamMs = 1_000;

export class Exchange extends Bond implements Asker, Lasting, Waiter {
  readonly client: ClientSide;
  readonly socket: Connection;
  readonly minor: number;
  tunnel: Tunnel | undefined;
  private state: State = "held";
  /** Of the last byte that went either way. */
  private since: Ms = 0;
  private status = 0;
  private isLasting = false;
  private held: Hold | undefined;

  constructor(client: ClientSide, asked: Asked, startedMs: Ms) {
    super(client.shop, asked, startedMs);
    this.client = client;
    this.socket = client.socket;
    this.minor = asked.head.minor;
  }

  get isBodySent(): boolean {
    return this.body.isSent;
  }

  get answerBytesMax(): number {
    return this.asked.service.routed.answerBytesMax ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes from the client belong to its body, or to what came after an upgrade. */
  get takesBytes(): boolean {
    return this.state === "tunnel" || (!this.body.isSent && this.state !== "held");
  }

  nowMs(): Ms {
    return this.shop.now();
  }

  start(): void {
    const chosen = this.choose();
    if (chosen) this.send(chosen);
    else this.hold();
  }

  private hold(): void {
    this.state = "held";
    this.held ??= new Hold(this);
    this.held.begin();
  }

  send(chosen: Chosen): void {
    this.state = "sent";
    this.status = 0;
    this.since = this.shop.now();
    this.tie(chosen, this);
    if (this.isFirst && this.body.isSent && this.asked.head.upgrade === "")
      Mirror.perhaps(this.asked, chosen.revision, this.shop);
    const ahead = this.body.isSent ? undefined : this.client.takeAhead();
    if (ahead) this.fromClient(ahead);
    this.socket.resume();
  }

  /** `bytes` are kept: no view of a shared buffer. */
  fromClient(bytes: Buffer): void {
    if (this.tunnel) return this.tunnel.fromClient(bytes);
    const end = this.body.take(bytes, this.mayNeedAgain);
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
    if (endsWithConnection(head, relay, this.minor)) client.keepsAlive = false;
    if (head.isEventStream && replica) {
      this.isLasting = true;
      replica.lasting.add(this);
      if (replica.isDraining) setTimeout(() => replica.lasting.has(this) && this.endForDrain(), lateStreamMs).unref();
      account(this, head.status);
    }
    const { service, sender, needsPlace } = this.asked;
    const cookie = needsPlace ? service.placeCookie(revision, sender.proto === "https") : "";
    const stamp = `${revision?.stamp ?? ""}${cookie}`;
    return answerText({ head, relay, stamp, clientMinor: this.minor, keepsAlive: client.keepsAlive });
  }

  takeBackHead(): void {
    this.state = "sent";
  }

  stalled(): void {
    this.since = this.shop.now();
  }

  answerUpgrade(upstream: Upstream, head: AnswerHead, first: Buffer): void {
    const { upgrade } = this.asked.head;
    if (upgrade === "" || head.upgrade !== upgrade) return this.upstreamUnfit(upstream, "upstream-malformed");
    this.state = "tunnel";
    account(this, 101);
    this.socket.write(upgradeText(head, this.revision?.stamp ?? "", upgrade), "latin1");
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
    if (!this.isLasting) account(this, this.status);
    this.over();
    this.client.done();
  }

  // What goes wrong.

  upstreamUnfit(upstream: Upstream, error: "upstream-malformed" | "answer-too-long"): void {
    upstream.close();
    this.fail(error);
  }

  upstreamLost(upstream: Upstream): void {
    if (this.state === "tunnel") {
      this.over();
      return this.client.end();
    }
    if (this.state === "answering") return this.fail("upstream-closed");
    if (!this.mayAskAnother(upstream))
      return this.giveNone(upstream.isConnected ? "upstream-closed" : "upstream-refused");
    const { revision } = this;
    this.letGo();
    this.turnFrom(upstream.replica, revision);
    this.start();
  }

  private fail(error: string): void {
    this.countFailure(error === "upstream-timeout" ? 504 : 502);
    this.giveNone(error);
  }

  /** No answer can be had: says so, or cuts the connection when a part of one is out already. */
  private giveNone(error: string): void {
    const isBegun = this.state === "answering";
    const replica = this.replica?.id;
    this.over();
    if (isBegun) this.client.cut();
    else this.client.answer({ status: error === "upstream-timeout" ? 504 : 502, error, replica });
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
    this.held?.leave();
    if ((this.state === "sent" || this.state === "answering") && !this.isLasting) account(this, this.status || 499);
    this.over();
  }

  checkTime(nowMs: Ms): void {
    const { limits } = this.client;
    const waited = nowMs - this.since;
    const isWaiting = this.state === "sent" && this.body.isSent;
    if (this.takesBytes && !this.tunnel && waited > limits.bodyStallMs) this.bodyStalled();
    else if (isWaiting && waited > (this.asked.service.routed.answerMs ?? limits.answerMs))
      this.fail("upstream-timeout");
    else if (this.state === "answering" && this.socket.writableNeedDrain && waited > limits.bodyStallMs)
      this.giveNone("client-stalled");
  }

  /** Whoever does not go on: the replica that takes no more, or the client that sends none. */
  private bodyStalled(): void {
    if (this.upstream?.socket.writableNeedDrain) this.fail("upstream-timeout");
    else this.refuse(408, "body timeout");
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

  over(): void {
    this.state = "over";
    this.letGo();
    this.body.forget();
  }

  private letGo(): void {
    this.untie(this, [this, this.tunnel]);
  }
}
