// Which replica works on a request just now: the choice, the connection, what its failures count, and whether another may
// be asked instead. A request has several bonds, one after the other, at most.
import type { Ms } from "../../domain/frame.ts";
import { account, type Counted } from "./account.ts";
import type { Asked } from "./intake.ts";
import type { Lasting, Replica } from "./replica.ts";
import { RequestBody } from "./request-body.ts";
import type { Revision } from "./revision.ts";
import type { Chosen, Wanted } from "./service.ts";
import type { Shop } from "./shop.ts";
import { type Asker, Upstream } from "./upstream.ts";

const attemptsMax = 3;
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "SEARCH", "REPORT"]);
/** A request that may not be repeated goes on no connection that the replica may be about to close (gunicorn: after 2 s). */
const idleMsMax = { repeatable: 4_000, once: 1_000 };
const defaultEjection = { failuresInRow: 5, forMs: 10_000 };

export abstract class Bond implements Counted {
  readonly shop: Shop;
  readonly asked: Asked;
  readonly startedMs: Ms;
  readonly method: string;
  readonly body: RequestBody;
  wanted: Wanted | undefined;
  revision: Revision | undefined;
  replica: Replica | undefined;
  protected upstream: Upstream | undefined;
  private attempts = 0;
  private avoid: Replica | undefined;

  constructor(shop: Shop, asked: Asked, startedMs: Ms) {
    this.shop = shop;
    this.asked = asked;
    this.startedMs = startedMs;
    this.method = asked.head.method;
    this.body = new RequestBody(asked.head);
    this.wanted = asked.wanted;
  }

  choose(): Chosen | undefined {
    return this.asked.service.choose({ wanted: this.wanted, avoid: this.avoid, nowMs: this.shop.now() });
  }

  protected get isFirst(): boolean {
    return this.attempts === 1;
  }

  /** What is sent now may have to be sent once more: to a replica that turns out not to be there, or where that does no harm. */
  protected get mayNeedAgain(): boolean {
    return idempotent.has(this.method) || this.upstream?.isConnected !== true;
  }

  /** Sends the head, and again what was sent of the body before. */
  protected tie({ revision, replica }: Chosen, asker: Asker): void {
    this.revision = revision;
    this.replica = replica;
    replica.inFlight++;
    this.attempts++;
    const idleMs = idempotent.has(this.method) ? idleMsMax.repeatable : idleMsMax.once;
    const upstream = (this.isFirst ? replica.take(this.shop.now(), idleMs) : undefined) ?? new Upstream(replica);
    upstream.begin(asker);
    this.upstream = upstream;
    upstream.socket.write(this.asked.text, "latin1");
    for (const part of this.body.sent) upstream.socket.write(part);
  }

  /** `lasting`: what would have ended with the replica's drain. */
  protected untie(asker: Asker, lasting: readonly (Lasting | undefined)[]): void {
    const { replica, upstream } = this;
    if (replica) {
      replica.inFlight--;
      for (const one of lasting) if (one) replica.lasting.delete(one);
    }
    this.replica = undefined;
    this.revision = undefined;
    this.upstream = undefined;
    if (upstream?.client === asker) upstream.close();
  }

  /**
   * The connection was lost before any answer. Another may be asked when nothing was sent, or when asking twice does no
   * harm, the whole of it can be sent again, and the service's budget allows.
   */
  protected mayAskAnother(lost: Upstream): boolean {
    const { replica, isConnected, isReused } = lost;
    if (!isConnected) {
      replica.refused(this.shop.now());
      if (!this.body.isRepeatable) this.countFailure(502);
      return this.body.isRepeatable;
    }
    const mayRepeat =
      this.body.isRepeatable &&
      this.attempts < attemptsMax &&
      idempotent.has(this.method) &&
      this.asked.service.retries.spend();
    // On a connection that was used before it is the race with its end: nobody's fault, unless it costs an answer.
    if (!isReused || !mayRepeat) this.countFailure(502);
    return mayRepeat;
  }

  /** The draw has been made; whoever asks again does not draw again. */
  protected turnFrom(avoid: Replica, revision: Revision | undefined): void {
    this.avoid = avoid;
    if (revision) this.wanted ??= { to: revision.id, isStrict: false };
  }

  protected countFailure(status: number): void {
    account(this, status);
    this.replica?.failed(this.shop.now(), this.asked.service.routed.ejection ?? defaultEjection);
  }
}
