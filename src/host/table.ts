// What the router does, as one absolute document. Replacing the table is the only command that changes routing; the
// supervisor owns it, writes it to disk before it sends it, and reads it back.
import type { Ms, Percent, RevisionId, Route } from "../domain/frame.ts";
import type { ServiceKey } from "./api.ts";

export interface RouterTable {
  /** Grows with every change; GET /table of the router's control socket answers the version in force. */
  readonly version: number;
  /** Length of the counted intervals: 5 s, unless shortened for a demonstration. */
  readonly intervalMs?: Ms;
  /** Signs the cookies of sticky sessions. */
  readonly stickySecret?: string;
  readonly listeners: readonly Listener[];
  readonly services: Readonly<Record<ServiceKey, RoutedService>>;
}

export interface Listener extends ListenerOptions {
  /** Names an inherited descriptor: "entry:production", "service:production/web". */
  readonly id: string;
  /** Longest path prefix wins, an exact host before none. */
  readonly rules: readonly Rule[];
  /** It serves nobody: answers ACME's HTTP-01 challenges from the files of this folder, and sends all else on to HTTPS. */
  readonly challenges?: string;
}

/** How connections to a listener are treated, before it is known which service they are for. */
export interface ListenerOptions {
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-* is believed; nobody's by default. */
  readonly trusted?: readonly string[];
  /** Connections of one address at a time. */
  readonly connectionsPerClientMax?: number;
  /** Terminates TLS, with HTTP/2 where the client asks for it. Files are read again when they change. */
  readonly tls?: { readonly certificates: readonly Certificate[] };
  readonly patience?: ClientPatience;
  readonly accessLog?: AccessLogSettings;
}

/** With slow clients. */
export interface ClientPatience {
  /** For a whole head, from its first byte; 10 s by default. */
  readonly headMs?: Ms;
  /** Between two requests; 75 s by default. */
  readonly idleMs?: Ms;
  /** Without a byte of a body that is under way, in either direction; 30 s by default. */
  readonly bodyStallMs?: Ms;
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

export interface RoutedService extends TrafficOptions {
  readonly revisions: Readonly<Record<RevisionId, RoutedRevision>>;
  /** Outrank the weights. */
  readonly routes: readonly Route[];
  readonly buffer: Buffering;
  /** Everybody gets the maintenance page. */
  readonly isInMaintenance?: boolean;
}

/** Requests are held while nothing is ready, at most so long, so much and so many; then the maintenance page, 503. */
export interface Buffering {
  readonly maxMs: Ms;
  readonly maxBytes: number;
  /** 10,000 by default. */
  readonly maxRequests?: number;
}

/** What a service asks of the router for its requests, beside weights. What is left out costs nothing. */
export interface TrafficOptions {
  /** HTML. */
  readonly maintenancePage?: string;
  /** Hosts that only the revision of a host rule answers: nobody, while there is none. */
  readonly previewHosts?: readonly string[];
  /** "GET /orders/{id}": requests that match are of this class, others of one made from their path. */
  readonly routeClasses?: readonly string[];
  /** Sessions keep a place on the line from 0 to 100 that the weights cut: they move only as far as weights do. */
  readonly sticky?: { readonly cookie: string; readonly maxAgeSeconds?: number };
  /** Copies of GET, HEAD and OPTIONS requests, whose answers are thrown away. */
  readonly mirror?: { readonly to: RevisionId; readonly percent: Percent };
  /** A replica that fails so often in a row gets nothing for a while, unless more than `panicPercent` (50) would be out. */
  readonly ejection?: { readonly failuresInRow: number; readonly forMs: Ms; readonly panicPercent?: Percent };
  /** A new replica gets its full share only after so long. */
  readonly slowStartMs?: Ms;
  /** Requests sent a second time, of all requests; 20 by default. */
  readonly retryPercentMax?: Percent;
  readonly bodyBytesMax?: number;
  readonly answerBytesMax?: number;
  /** Until the head of the answer; 60 s by default. */
  readonly answerMs?: Ms;
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  /** Only these addresses (or CIDR ranges) may ask below these paths. */
  readonly allow?: readonly { readonly path: string; readonly from: readonly string[] }[];
  /** Long-lived connections of a replica that leaves are ended one after the other within so long; 3 s by default. */
  readonly drainSpreadMs?: Ms;
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
  /** By `nativeBuckets` of domain/evidence.ts, trailing zeros left out. */
  readonly latency: readonly number[];
}

export type CountedClass = CountedReplica;
