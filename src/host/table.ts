// What the router does, as one absolute document. Replacing the table is the only command that changes routing; the
// supervisor owns it, writes it to disk before it sends it, and reads it back.
import type { Ms, Percent, RevisionId, Route } from "../domain/frame.ts";
import type { ServiceKey } from "./api.ts";

export interface RouterTable {
  /** Grows with every change; GET /table of the router's control socket answers the version in force. */
  readonly version: number;
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
