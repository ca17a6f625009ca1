// What the router does, as one absolute document. Replacing the table is the only command that changes routing; the
// supervisor owns it, writes it to disk before it sends it, and reads it back.
import type { Ms, Percent, RevisionId, Route } from "../domain/frame.ts";
import type { ServiceKey } from "./api.ts";

export interface RouterTable {
  /** Grows with every change; GET /table of the router's control socket answers the version in force. */
  readonly version: number;
  /** Length of the counted intervals: 5 s, unless shortened for a demonstration. */
  readonly intervalMs?: Ms;
  readonly accessLog?: AccessLogSettings;
  readonly listeners: readonly Listener[];
  readonly services: Readonly<Record<ServiceKey, RoutedService>>;
}

export interface Listener {
  /** Names an inherited descriptor: "entry:production", "service:production/web". */
  readonly id: string;
  /** Longest path prefix wins, an exact host before none. */
  readonly rules: readonly Rule[];
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-* is believed; nobody's by default. */
  readonly trusted?: readonly string[];
  /** Connections of one address at a time. */
  readonly connectionsPerClientMax?: number;
  /** Terminates TLS, with HTTP/2 where the client asks for it. Files are read again when they change. */
  readonly tls?: { readonly certificates: readonly Certificate[] };
}

/** PEM files; the first of a listener serves names that no other has. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** "shop.example", "*.shop.example"; all names when left out. */
  readonly host?: string;
}

/** JSON lines. Errors are always written. */
export interface AccessLogSettings {
  readonly file: string;
  readonly samplePercent: Percent;
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
  /** Sessions keep a place on the line from 0 to 100 that the weights cut: they move only as far as weights do. */
  readonly sticky?: { readonly cookie: string; readonly secret: string; readonly maxAgeSeconds?: number };
  /** Copies of GET, HEAD and OPTIONS requests, whose answers are thrown away. */
  readonly mirror?: { readonly to: RevisionId; readonly percent: Percent };
  /** A replica that fails so often in a row gets nothing for a while, unless half of its revision would be out. */
  readonly ejection?: { readonly failuresInRow: number; readonly forMs: Ms };
  /** A new replica gets its full share only after so long. */
  readonly slowStartMs?: Ms;
  /** Requests sent a second time, of all requests; 20 by default. */
  readonly retryPercentMax?: Percent;
  readonly bodyBytesMax?: number;
  /** Until the head of the answer; 60 s by default. */
  readonly answerMs?: Ms;
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  /** Only these addresses (or CIDR ranges) may ask below these paths. */
  readonly allow?: readonly { readonly path: string; readonly from: readonly string[] }[];
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
