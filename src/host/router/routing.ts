// The table in force: which service a request is for. Applying a table keeps what stays (counts, connections, weights'
// turn) and lets the rest drain.
import type { Ms } from "../../domain/frame.ts";
import type { Listener, RouterSeen, RouterTable, Rule } from "../table.ts";
import { Addresses } from "./addresses.ts";
import { Certificates } from "./certificates.ts";
import type { Replica } from "./replica.ts";
import { hostname, Service } from "./service.ts";

interface CompiledRule {
  readonly host: string | undefined;
  readonly path: string;
  readonly strip: number;
  readonly service: Service;
}

/** A listener as the table describes it. */
export interface Entry {
  readonly rules: readonly CompiledRule[];
  readonly trusted: Addresses | undefined;
  readonly connectionsPerClientMax: number;
  /** Set when it speaks TLS. */
  readonly certificates: Certificates | undefined;
}

export interface Found {
  readonly service: Service;
  /** Length of the path prefix that is taken away before the request is sent on. */
  readonly strip: number;
}

export class Routing {
  version = 0;
  readonly services = new Map<string, Service>();
  readonly entries = new Map<string, Entry>();
  private readonly o: { now: () => Ms; onLeave: (replica: Replica) => void };

  constructor(o: { now: () => Ms; onLeave: (replica: Replica) => void }) {
    this.o = o;
  }

  apply(table: RouterTable): void {
    // First what may fail: a table is applied whole or not at all.
    const certificates = new Map(table.listeners.map((listener) => [listener.id, this.certificatesOf(listener)]));
    const left: Replica[] = [];
    for (const [key, routed] of Object.entries(table.services)) {
      const service = this.services.get(key) ?? new Service(key, routed, this.o.now());
      this.services.set(key, service);
      service.tally.intervalMs = table.intervalMs ?? 5_000;
      left.push(...service.apply(routed, this.o.now()));
    }
    for (const [key, service] of this.services) {
      if (!table.services[key])
        left.push(...service.apply({ ...service.routed, revisions: {}, routes: [] }, this.o.now()));
    }
    this.entries.clear();
    for (const listener of table.listeners)
      this.entries.set(listener.id, {
        rules: this.compile(listener.rules),
        trusted: listener.trusted && listener.trusted.length > 0 ? new Addresses(listener.trusted) : undefined,
        connectionsPerClientMax: listener.connectionsPerClientMax ?? Number.POSITIVE_INFINITY,
        certificates: certificates.get(listener.id),
      });
    this.version = table.version;
    for (const replica of left) this.o.onLeave(replica);
    for (const service of this.services.values()) service.waiting.call(this.o.now());
    this.tidy(table);
  }

  find(entry: Entry, host: string, path: string): Found | undefined {
    let name: string | undefined;
    for (const rule of entry.rules) {
      if (rule.host !== undefined) {
        name ??= hostname(host);
        if (rule.host !== name) continue;
      }
      if (isUnder(path, rule.path)) return rule;
    }
    return undefined;
  }

  seen(): RouterSeen["services"] {
    const now = this.o.now();
    return Object.fromEntries([...this.services].map(([key, service]) => [key, service.seen(now)]));
  }

  /** Exact hosts before none, longer paths before shorter; a service's preview hosts lead to it on its listeners. */
  private compile(rules: readonly Rule[]): readonly CompiledRule[] {
    const compiled = rules.flatMap((rule) => {
      const service = this.services.get(rule.service);
      if (!service) return [];
      const path = rule.path.length > 1 && rule.path.endsWith("/") ? rule.path.slice(0, -1) : rule.path;
      const strip = rule.stripPath && path !== "/" ? path.length : 0;
      const previews = service.routed.routes.flatMap((r) => ("host" in r.match ? [r.match.host.toLowerCase()] : []));
      return [rule.host?.toLowerCase(), ...previews].map((host) => ({ host, path, strip, service }));
    });
    return compiled.sort(
      (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
    );
  }

  private certificatesOf(listener: Listener): Certificates | undefined {
    if (!listener.tls) return undefined;
    const present = this.entries.get(listener.id)?.certificates;
    return present?.isOf(listener.tls.certificates) ? present : new Certificates(listener.tls.certificates);
  }

  private tidy(table: RouterTable): void {
    for (const [key, service] of this.services) {
      service.tidy();
      if (!table.services[key] && service.revisions.size === 0) this.services.delete(key);
    }
  }
}

function isUnder(path: string, prefix: string): boolean {
  if (prefix === "/") return true;
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);
}
