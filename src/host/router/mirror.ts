// A copy of a request to a revision that shall see real traffic before it answers any. Nobody waits for its answer.
import type { Ms } from "../../domain/frame.ts";
import type { AnswerHead } from "./head.ts";
import type { Asked } from "./intake.ts";
import type { Replica } from "./replica.ts";
import type { Revision } from "./revision.ts";
import type { Shop } from "./shop.ts";
import { type Asker, Upstream } from "./upstream.ts";

const atOnceMax = 64;
let atOnce = 0;

/** What a mirror has seen since the router started, by revision. */
export interface Mirrored {
  requests: number;
  errors: number;
}

const nowhere = { write: () => true, cork: () => {}, uncork: () => {} };

export class Mirror implements Asker {
  readonly method: string;
  readonly minor = 1;
  readonly isBodySent = true;
  readonly answerBytesMax = Number.POSITIVE_INFINITY;
  readonly tunnel = undefined;
  readonly socket = nowhere;
  private readonly o: { replica: Replica; counts: Mirrored; now: () => Ms };
  private isOver = false;

  /** Of every hundred reads as many as the service says, unless they are the candidate's own. */
  static perhaps({ service, head, text }: Asked, answering: Revision, shop: Shop): void {
    const { mirror } = service.routed;
    if (!mirror || mirror.to === answering.id) return;
    const copy = service.mirrorTo(head.method, shop.now());
    if (copy) Mirror.send({ ...copy, method: head.method, headText: text, now: shop.now });
  }

  /** Left out when too many are under way: a slow candidate must not cost the router its memory. */
  private static send(o: {
    method: string;
    headText: string;
    replica: Replica;
    counts: Mirrored;
    now: () => Ms;
  }): void {
    if (atOnce >= atOnceMax) return;
    atOnce++;
    o.replica.inFlight++;
    o.counts.requests++;
    const upstream = o.replica.take(o.now(), 2_000) ?? new Upstream(o.replica);
    upstream.begin(new Mirror(o));
    upstream.socket.write(o.headText.replace("\r\n\r\n", "\r\nX-Sluice-Mirror: 1\r\n\r\n"), "latin1");
  }

  private constructor(o: { method: string; replica: Replica; counts: Mirrored; now: () => Ms }) {
    this.method = o.method;
    this.o = o;
  }

  nowMs(): Ms {
    return this.o.now();
  }

  answerHead(head: AnswerHead): string {
    if (head.status >= 500) this.o.counts.errors++;
    return "";
  }

  answerDone(): void {
    this.end();
  }

  upstreamUnfit(upstream: Upstream): void {
    this.o.counts.errors++;
    upstream.close();
    this.end();
  }

  upstreamLost(): void {
    this.o.counts.errors++;
    this.end();
  }

  answerUpgrade(upstream: Upstream): void {
    this.upstreamUnfit(upstream);
  }

  answerInterim(): void {}
  takeBackHead(): void {}
  readOn(): void {}
  stalled(): void {}

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.o.replica.inFlight--;
    atOnce--;
  }
}
