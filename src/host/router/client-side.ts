// The client's connection, as far as an exchange needs it.
import type { Connection } from "./accepted.ts";
import type { OwnAnswer } from "./own-answer.ts";
import type { Limits, Shop } from "./shop.ts";

export interface ClientSide {
  readonly socket: Connection;
  readonly shop: Shop;
  readonly limits: Limits;
  /** May serve another request after this one. */
  keepsAlive: boolean;
  /** How much came behind the head and waits. */
  readonly aheadBytes: number;
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
