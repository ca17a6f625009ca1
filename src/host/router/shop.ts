// What all connections of a router share.
import type { Ms } from "../../domain/frame.ts";
import type { AccessLog } from "./access-log.ts";
import type { Client } from "./client.ts";
import type { Connections } from "./connections.ts";
import type { Routing } from "./routing.ts";

export interface Shop {
  readonly routing: Routing;
  readonly clients: Set<Client>;
  readonly limits: Limits;
  /** Milliseconds since the epoch, and a finer clock for latencies. */
  readonly now: () => Ms;
  readonly elapsed: () => Ms;
  readonly requestId: () => string;
  readonly log: AccessLog;
  readonly connections: Connections;
  isStopping: boolean;
}

export interface Limits {
  /** For a whole head, from its first byte. */
  readonly headMs: Ms;
  readonly idleMs: Ms;
  /** Without a byte of a body that is under way, in either direction to or from the client. */
  readonly bodyStallMs: Ms;
  readonly answerMs: Ms;
}

export const defaultLimits: Limits = { headMs: 10_000, idleMs: 75_000, bodyStallMs: 30_000, answerMs: 60_000 };
