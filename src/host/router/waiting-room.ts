// Requests held while nothing is ready: bounded in time, bytes and count by the service. First come, first served.
import type { Ms } from "../../domain/frame.ts";

export interface Held {
  readonly heldBytes: number;
  /** Tries again; false if it still finds nothing. */
  release(): boolean;
  giveUp(): void;
}

const countMax = 10_000;

export class WaitingRoom {
  private readonly held = new Map<Held, { readonly untilMs: Ms; readonly bytes: number }>();
  private bytes = 0;

  get count(): number {
    return this.held.size;
  }

  enter(held: Held, o: { untilMs: Ms; maxBytes: number; maxRequests?: number }): boolean {
    const bytes = held.heldBytes;
    if (this.held.size >= (o.maxRequests ?? countMax) || this.bytes + bytes > o.maxBytes) return false;
    this.held.set(held, { untilMs: o.untilMs, bytes });
    this.bytes += bytes;
    return true;
  }

  leave(held: Held): void {
    this.bytes -= this.held.get(held)?.bytes ?? 0;
    this.held.delete(held);
  }

  /** Lets in whom it can, in order, and turns away whose time is over. */
  call(nowMs: Ms): void {
    for (const held of [...this.held.keys()]) if (!held.release()) break;
    for (const [held, { untilMs }] of [...this.held]) {
      if (untilMs > nowMs) continue;
      this.leave(held);
      held.giveUp();
    }
  }
}
