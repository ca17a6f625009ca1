// One replica as the router knows it: its idle connections, what is in flight, and whether it may be chosen just now.
import type { Ms } from "../../domain/frame.ts";
import type { Upstream } from "./upstream.ts";

/** Something long-lived on a replica (WebSocket, event stream) that a drain has to end. */
export interface Lasting {
  endForDrain(): void;
}

const refusedMsMin = 100;
const refusedMsMax = 5_000;
const ejectedMsMax = 60_000;
const calmStepMs = 50;

export class Replica {
  readonly id: string;
  readonly port: number;
  inFlight = 0;
  /** No longer in the table: gets nothing new. */
  isDraining = false;
  private drainSpreadMs: Ms = 0;
  readonly lasting = new Set<Lasting>();
  private readonly idle: Upstream[] = [];
  private refusals = 0;
  private refusedUntilMs = 0;

  private readonly bornMs: Ms;
  private failuresInRow = 0;
  private ejections = 0;
  private ejectedUntilMs = 0;

  constructor(o: { readonly id: string; readonly port: number }, bornMs: Ms) {
    this.id = o.id;
    this.port = o.port;
    this.bornMs = bornMs;
  }

  leave(drainSpreadMs: Ms): void {
    this.isDraining = true;
    this.drainSpreadMs = drainSpreadMs;
  }

  /**
   * Ends what lasts long one after the other, so that clients do not come back as a herd: twenty a second, or faster if
   * they would not be done in the time that the drain has.
   */
  endLasting(): void {
    const lasting = [...this.lasting];
    const stepMs = Math.min(calmStepMs, this.drainSpreadMs / lasting.length);
    lasting.forEach((one, i) => {
      setTimeout(() => one.endForDrain(), i * stepMs).unref();
    });
  }

  /** The connection used last, which is the least likely to be closed under us; none idle for longer than `idleMsMax`. */
  take(nowMs: Ms, idleMsMax: Ms): Upstream | undefined {
    const last = this.idle.at(-1);
    if (!last || nowMs - last.idleSinceMs > Math.min(idleMsMax, last.idleMsMax)) return undefined;
    return this.idle.pop();
  }

  give(upstream: Upstream): void {
    this.idle.push(upstream);
  }

  drop(upstream: Upstream): void {
    const i = this.idle.indexOf(upstream);
    if (i >= 0) this.idle.splice(i, 1);
  }

  /** Closes connections before the replica would: a request sent into a closing connection is a request lost. */
  closeIdle(nowMs: Ms, all: boolean): void {
    for (const upstream of [...this.idle])
      if (all || nowMs - upstream.idleSinceMs > upstream.idleMsMax) upstream.close();
  }

  /** Nobody listens on its port (any more, or yet): left out at once, and tried again soon. */
  refused(nowMs: Ms): void {
    this.refusedUntilMs = nowMs + Math.min(refusedMsMax, refusedMsMin * 2 ** this.refusals++);
  }

  accepted(): void {
    this.refusals = 0;
    this.refusedUntilMs = 0;
  }

  /** Answers, of whatever status: what a service says is the judge's business, not a reason to route around it. */
  succeeded(): void {
    this.failuresInRow = 0;
    this.ejections = 0;
  }

  /** Cut, malformed or missing answers, one after the other: left out for a while, each time for longer. */
  failed(nowMs: Ms, o: { readonly failuresInRow: number; readonly forMs: Ms }): void {
    if (++this.failuresInRow < o.failuresInRow) return;
    this.failuresInRow = 0;
    this.ejectedUntilMs = nowMs + Math.min(o.forMs * ++this.ejections, ejectedMsMax);
  }

  isEjected(nowMs: Ms): boolean {
    return this.ejectedUntilMs > nowMs;
  }

  isReachable(nowMs: Ms): boolean {
    return !this.isDraining && this.refusedUntilMs <= nowMs;
  }

  isUsable(nowMs: Ms): boolean {
    return this.ejectedUntilMs <= nowMs && this.isReachable(nowMs);
  }

  /** Passed over this time: its share grows from nothing to full in `slowStartMs`. */
  isWarming(nowMs: Ms, slowStartMs: Ms): boolean {
    const age = nowMs - this.bornMs;
    return age < slowStartMs && Math.random() * slowStartMs > age;
  }
}
