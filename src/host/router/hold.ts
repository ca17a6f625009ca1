// A request held while nothing is ready for it: as long and as much as the service allows, then turned away.
import type { Ms } from "../../domain/frame.ts";
import { accountUnanswered, type Counted } from "./account.ts";
import type { ClientSide } from "./client-side.ts";
import type { RequestBody } from "./request-body.ts";
import type { Chosen, Wanted } from "./service.ts";
import type { Held } from "./waiting-room.ts";

/** An exchange, as far as it waits. */
export interface Waiter extends Counted {
  readonly client: ClientSide;
  readonly body: RequestBody;
  readonly wanted: Wanted | undefined;
  choose(): Chosen | undefined;
  send(chosen: Chosen): void;
  over(): void;
}

export class Hold implements Held {
  private readonly waiter: Waiter;
  private readonly untilMs: Ms;

  constructor(waiter: Waiter) {
    this.waiter = waiter;
    this.untilMs = waiter.shop.now() + waiter.asked.service.routed.buffer.maxMs;
  }

  get heldBytes(): number {
    return this.waiter.asked.text.length + this.waiter.body.bytes + this.waiter.client.aheadBytes;
  }

  /** Again, if it was sent and came back without harm: its time goes on. */
  begin(): void {
    const { wanted, asked, client, shop } = this.waiter;
    const { waiting, routed, revisions } = asked.service;
    if (wanted?.isStrict && !revisions.has(wanted.to)) this.turnAway("no-revision");
    else if (this.untilMs <= shop.now()) this.turnAway("nothing-ready");
    else if (!waiting.enter(this, { untilMs: this.untilMs, ...routed.buffer })) this.turnAway("buffer-full");
    else client.socket.pause();
  }

  release(): boolean {
    const chosen = this.waiter.choose();
    if (!chosen) return false;
    this.leave();
    this.waiter.send(chosen);
    return true;
  }

  leave(): void {
    this.waiter.asked.service.waiting.leave(this);
  }

  giveUp(): void {
    this.turnAway("nothing-ready");
  }

  private turnAway(error: string): void {
    const { client, asked } = this.waiter;
    accountUnanswered(this.waiter);
    this.waiter.over();
    client.answer({ status: 503, error, page: asked.service.routed.maintenancePage, retryAfterSeconds: 2 });
  }
}
