// What all connections of a router share.
import type { Ms } from "../../domain/frame.ts";
import type { ClientPatience } from "../table.ts";
import type { Client } from "./client.ts";
import type { Connections } from "./connections.ts";
import type { Routing } from "./routing.ts";

export interface Shop {
  readonly routing: Routing;
  readonly clients: Set<Client>;
  /** Where a listener sets none of its own. */
  readonly limits: Limits;
  /** For patience and latencies: it runs evenly, also when somebody sets the clock. */
  readonly now: () => Ms;
  /** Since the epoch: for what is written down. */
  readonly wall: () => Ms;
  readonly requestId: () => string;
  readonly connections: Connections;
  isStopping: boolean;
}

export interface Limits extends Required<ClientPatience> {
  readonly answerMs: Ms;
}

export const defaultLimits: Limits = { headMs: 10_000, idleMs: 75_000, bodyStallMs: 30_000, answerMs: 60_000 };
