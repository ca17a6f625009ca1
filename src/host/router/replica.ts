// One replica as the router knows it: its idle connections, what is in flight, and whether it may be chosen just now.
import type { Ms } from "../../domain/frame.ts";
import type { Upstream } from "./upstream.ts";

/** Something long-lived on a replica (WebSocket, event stream) that a drain has to end. */
export interface Lasting {
  endForDrain(): void;
}

const refusedMsMin = 100;
const refusedMsMax = 5_000;

export class Replica {
  readonly id: string;
  readonly port: number;
  inFlight = 0;
  /** No longer in the table: gets nothing new. */
  isDraining = false;
  readonly lasting = new Set<Lasting>();
  private readonly idle: Upstream[] = [];
  private refusals = 0;
  private refusedUntilMs = 0;

  constructor(id: string, port: number) {
    this.id = id;
    this.port = port;
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

  isEjected(nowMs: Ms): boolean {
    return this.refusedUntilMs > nowMs;
  }

  isUsable(nowMs: Ms): boolean {
    return !this.isDraining && this.refusedUntilMs <= nowMs;
  }
}
