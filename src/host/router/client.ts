// A client's connection: reads requests one after the other and has each answered by an exchange, or by the router itself.
// One request is in work at a time; what a client sends ahead waits.
import type { Ms } from "../../domain/frame.ts";
import { addressOf, type Connection, withSharedBuffer } from "./accepted.ts";
import type { ClientSide } from "./client-side.ts";
import { Exchange } from "./exchange.ts";
import { headLimits } from "./field-places.ts";
import { type RequestHead, readRequest } from "./head.ts";
import { type Origin, senderOf, takeIn } from "./intake.ts";
import { type OwnAnswer, ownAnswer } from "./own-answer.ts";
import type { Limits, Shop } from "./shop.ts";

const aheadBytesMax = 65_536;
const lingerMs = 2_000;
const trustedLimits = { ...headLimits, isTrusted: true };

export class Client implements ClientSide, Origin {
  readonly socket: Connection;
  readonly shop: Shop;
  readonly listener: string;
  readonly address: string;
  readonly proto: "http" | "https";
  readonly limits: Limits;
  keepsAlive = true;
  private exchange: Exchange | undefined;
  /** Came in and is not in work yet: the beginning of a head, or what was sent ahead. */
  private ahead: Buffer | undefined;
  /** Of the request in work. */
  private head: RequestHead | undefined;
  /** Of the first byte of a head, of the last answer, or of the goodbye. */
  private since: Ms;
  private isClosing = false;
  private isGone = false;
  private isReading = false;

  constructor(accepted: Connection, o: { shop: Shop; listener: string; proto: "http" | "https" }) {
    const socket = withSharedBuffer(accepted, (bytes) => this.onBytes(bytes));
    this.socket = socket;
    this.shop = o.shop;
    this.listener = o.listener;
    this.proto = o.proto;
    this.address = addressOf(socket);
    this.since = o.shop.now();
    o.shop.clients.add(this);
    socket.setNoDelay(true);
    socket.on("drain", () => this.exchange?.writeOn());
    socket.on("end", () => this.onGone());
    socket.on("error", () => this.onGone());
    socket.on("close", () => this.onGone());
    const entry = o.shop.routing.entries.get(o.listener);
    this.limits = entry?.limits ?? o.shop.limits;
    // Those of HTTPS are counted where they are accepted: HTTP/2 has many streams in one.
    const { routing, connections } = o.shop;
    if (this.proto === "http" && connections.enter(this.address) > routing.connectionsMax(o.listener, this.address))
      this.refuse(429, "too many connections");
  }

  /** `bytes` are only there until this returns: what is kept is copied. */
  private onBytes(bytes: Buffer): void {
    if (this.isClosing) return;
    if (this.exchange?.takesBytes) this.exchange.fromClient(Buffer.from(bytes));
    else if (this.exchange || this.ahead) this.gather(bytes);
    else {
      this.since = this.shop.now();
      this.readRequests(bytes);
    }
  }

  private gather(bytes: Buffer): void {
    this.ahead = this.ahead ? Buffer.concat([this.ahead, bytes]) : Buffer.from(bytes);
    if (!this.exchange) this.readRequests(this.ahead);
    else if (this.ahead.length > aheadBytesMax) this.socket.pause();
  }

  private get isTrusted(): boolean {
    return this.shop.routing.entries.get(this.listener)?.trusted?.has(this.address) ?? false;
  }

  /** Iterates, since answers of the router's own come at once and many requests may wait in one buffer. */
  private readRequests(from: Buffer): void {
    this.isReading = true;
    let input: Buffer | undefined = from;
    while (input && !this.exchange && !this.isClosing) {
      const head = readRequest(input, 0, this.isTrusted ? trustedLimits : headLimits);
      if (head === undefined) this.ahead = input === this.ahead ? input : Buffer.from(input);
      else if ("refused" in head) this.refuse(head.status, head.refused);
      else {
        this.ahead = head.end < input.length ? Buffer.from(input.subarray(head.end)) : undefined;
        this.begin(head, input);
      }
      input = head === undefined ? undefined : this.ahead;
    }
    this.isReading = false;
  }

  private begin(head: RequestHead, input: Buffer): void {
    const startedMs = this.shop.now();
    this.head = head;
    this.keepsAlive = head.keepAlive && !this.shop.isStopping;
    const asked = takeIn(head, input, { origin: this, shop: this.shop });
    if ("error" in asked) {
      this.logRefused(asked.status, asked.error);
      // Its body would be taken for the next request.
      if (head.framing !== "none") this.keepsAlive = false;
      return this.answer(asked);
    }
    this.exchange = new Exchange(this, asked, startedMs);
    this.exchange.start();
  }

  /** Nobody was asked, or not to the end: an address that is not allowed, no such service, no request at all. */
  private logRefused(status: number, error: string): void {
    const { shop, head } = this;
    const entry = shop.routing.entries.get(this.listener);
    if (!entry?.log?.wants(status)) return;
    const { method = "", path = "", traceparent = "" } = head ?? {};
    entry.log.write({
      at: new Date(shop.wall()).toISOString(),
      service: (head && shop.routing.find(entry, head.host, path)?.service.key) ?? "",
      revision: "",
      replica: "",
      client: head ? senderOf(head, { origin: this, entry }).client : this.address,
      method,
      path,
      status,
      ms: 0,
      requestId: head?.requestId || shop.requestId(),
      ...(traceparent !== "" && { traceparent }),
      error,
    });
  }

  // What the exchange asks of its client's side.

  get aheadBytes(): number {
    return this.ahead?.length ?? 0;
  }

  takeAhead(): Buffer | undefined {
    const { ahead } = this;
    this.ahead = undefined;
    return ahead;
  }

  putBack(bytes: Buffer): void {
    this.ahead = bytes;
  }

  done(): void {
    this.exchange = undefined;
    this.head = undefined;
    if (!this.keepsAlive) return this.end();
    this.since = this.shop.now();
    if (this.ahead && !this.isReading) this.readRequests(this.ahead);
    this.socket.resume();
  }

  answer(own: OwnAnswer): void {
    if (this.exchange && !this.exchange.isBodySent) this.keepsAlive = false;
    this.socket.write(ownAnswer({ ...own, close: !this.keepsAlive, withoutBody: this.head?.method === "HEAD" }));
    this.done();
  }

  refuse(status: number, why: string): void {
    this.keepsAlive = false;
    const error = why.replaceAll(" ", "-").toLowerCase();
    this.logRefused(status, error);
    this.answer({ status, error });
  }

  /** Says goodbye and reads on for a while: bytes that nobody reads would make the kernel cut our last answer off. */
  end(): void {
    this.exchange = undefined;
    this.isClosing = true;
    this.ahead = undefined;
    this.since = this.shop.now();
    this.socket.end();
    this.socket.resume();
  }

  cut(): void {
    this.exchange = undefined;
    this.isClosing = true;
    this.socket.destroy();
  }

  private onGone(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.isClosing = true;
    this.ahead = undefined;
    this.shop.clients.delete(this);
    if (this.proto === "http") this.shop.connections.leave(this.address);
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.abandon();
    if (exchange?.tunnel) this.socket.destroy();
    else this.socket.end();
  }

  /** Called some times a second. */
  checkTime(nowMs: Ms): void {
    const { limits } = this;
    const { isStopping } = this.shop;
    const waited = nowMs - this.since;
    if (this.isClosing) {
      if (waited > lingerMs) this.socket.destroy();
    } else if (this.exchange) this.exchange.checkTime(nowMs);
    else if (this.ahead) {
      if (waited > limits.headMs) this.refuse(408, "head timeout");
    } else if (waited > (isStopping ? lingerMs : limits.idleMs)) this.end();
  }

  stop(): void {
    this.exchange?.stop();
  }
}
