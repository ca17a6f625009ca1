// What the router does, as one absolute document. Replacing the table is the only command that changes routing; the
// supervisor owns it, writes it to disk before it sends it, and reads it back.
import type { Ms, Percent, RevisionId, Route } from "../domain/frame.ts";
import type { ServiceKey } from "./api.ts";

export interface RouterTable {
  /** Grows with every change; GET /table of the router's control socket answers the version in force. */
  readonly version: number;
  /** Length of the counted intervals: 5 s, unless shortened for a demonstration. */
  readonly intervalMs?: Ms;
  readonly listeners: readonly Listener[];
  readonly services: Readonly<Record<ServiceKey, RoutedService>>;
}

export interface Listener {
  /** Names an inherited descriptor: "entry:production", "service:production/web". */
  readonly id: string;
  /** Longest path prefix wins, an exact host before none. */
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Lower case, without port. */
  readonly host?: string;
  /** Prefix on a segment boundary; "/" is all. */
  readonly path: string;
  readonly stripPath?: boolean;
  readonly service: ServiceKey;
}

export interface RoutedService {
  readonly revisions: Readonly<Record<RevisionId, RoutedRevision>>;
  /** Outrank the weights. */
  readonly routes: readonly Route[];
  /** Requests are held while nothing is ready, at most so long and so much; then the maintenance page, 503. */
  readonly buffer: { readonly maxMs: Ms; readonly maxBytes: number };
  readonly maintenancePage?: string;
}

export interface RoutedRevision {
  readonly weight: Percent;
  /** Ready replicas only, on the loopback address. */
  readonly replicas: readonly { readonly id: string; readonly port: number }[];
}

/** GET /table: what is in force. `version` says which table; in-flight counts are of the moment. */
export interface RouterSeen {
  readonly version: number;
  /** The port of each listener it accepts on. */
  readonly listeners: Readonly<Record<string, number>>;
  readonly services: Readonly<Record<ServiceKey, SeenRouting>>;
}

export interface SeenRouting {
  /** Also revisions that the table no longer names, with weight 0, until nothing of theirs is in flight. */
  readonly revisions: Readonly<Record<RevisionId, SeenRevisionRouting>>;
  /** Requests held because nothing is ready. */
  readonly buffered: number;
}

export interface SeenRevisionRouting {
  readonly weight: Percent;
  readonly ready: number;
  readonly inFlight: number;
  readonly replicas: Readonly<
    Record<string, { readonly inFlight: number; readonly draining: boolean; readonly ejected: boolean }>
  >;
}

/** GET /intervals: closed intervals of one service, oldest first. Latencies are of answers that are not errors (5xx). */
export interface CountedInterval {
  readonly startMs: Ms;
  readonly endMs: Ms;
  readonly revisions: Readonly<
    Record<
      RevisionId,
      {
        readonly classes: Readonly<Record<string, CountedClass>>;
        readonly replicas: Readonly<Record<string, CountedReplica>>;
      }
    >
  >;
}

export interface CountedReplica {
  readonly requests: number;
  readonly errors: number;
  /** Sums of ln(milliseconds) and of its square. */
  readonly logLatencySum: number;
  readonly logLatencySquareSum: number;
}

export interface CountedClass extends CountedReplica {
  /** By `nativeBuckets` of domain/evidence.ts, trailing zeros left out. */
  readonly latency: readonly number[];
}
