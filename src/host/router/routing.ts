// The table in force: which service a request is for. Applying a table keeps what stays (counts, connections, weights'
// turn) and lets the rest drain.
import type { Ms } from "../../domain/frame.ts";
import type { AccessLogSettings, Certificate, Listener, RouterSeen, RouterTable, Rule } from "../table.ts";
import { AccessLog } from "./access-log.ts";
import { Addresses } from "./addresses.ts";
import { Certificates } from "./certificates.ts";
import { hostname } from "./matching.ts";
import type { Replica } from "./replica.ts";
import { Service } from "./service.ts";
import type { Limits } from "./shop.ts";

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
  readonly limits: Limits;
  readonly log: AccessLog | undefined;
  /** Set when it only answers challenges and sends on to HTTPS. */
  readonly challenges: string | undefined;
  /** Set when it speaks TLS. */
  readonly certificates: Certificates | undefined;
}

export interface Found {
  readonly service: Service;
  /** Length of the path prefix that is taken away before the request is sent on. */
  readonly strip: number;
}

interface RoutingOptions {
  readonly now: () => Ms;
  /** Since the epoch: what intervals are counted by. */
  readonly wall: () => Ms;
  readonly limits: Limits;
  readonly onLeave: (replica: Replica) => void;
}

export class Routing {
  version = 0;
  readonly services = new Map<string, Service>();
  readonly entries = new Map<string, Entry>();
  private readonly o: RoutingOptions;

  constructor(o: RoutingOptions) {
    this.o = o;
  }

  apply(table: RouterTable): void {
    const { now, wall, onLeave } = this.o;
    const applied = { stickySecret: table.stickySecret, nowMs: now() };
    const left: Replica[] = [];
    for (const [key, routed] of Object.entries(table.services)) {
      const service = this.services.get(key) ?? new Service(key, routed, wall());
      this.services.set(key, service);
      service.tally.intervalMs = table.intervalMs ?? 5_000;
      left.push(...service.apply(routed, applied));
    }
    for (const [key, service] of this.services) {
      if (!table.services[key]) left.push(...service.apply({ ...service.routed, revisions: {}, routes: [] }, applied));
    }
    const before = new Map(this.entries);
    this.entries.clear();
    for (const listener of table.listeners)
      this.entries.set(listener.id, this.entryOf(listener, before.get(listener.id)));
    this.version = table.version;
    for (const replica of left) onLeave(replica);
    for (const service of this.services.values()) service.waiting.call(now());
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

  /** A proxy that is trusted comes for many clients. */
  connectionsMax(listener: string, address: string): number {
    const entry = this.entries.get(listener);
    return entry === undefined || entry.trusted?.has(address)
      ? Number.POSITIVE_INFINITY
      : entry.connectionsPerClientMax;
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
      const { routes, previewHosts = [] } = service.routed;
      const previews = [...routes.flatMap((r) => ("host" in r.match ? [r.match.host] : [])), ...previewHosts];
      const hosts = new Set([rule.host, ...previews].map((host) => host?.toLowerCase()));
      return [...hosts].map((host) => ({ host, path, strip, service }));
    });
    return compiled.sort(
      (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
    );
  }

  private entryOf(listener: Listener, before: Entry | undefined): Entry {
    const { rules, challenges, trusted = [], connectionsPerClientMax, patience, tls, accessLog } = listener;
    return {
      rules: this.compile(rules),
      challenges,
      trusted: trusted.length > 0 ? new Addresses(trusted) : undefined,
      connectionsPerClientMax: connectionsPerClientMax ?? Number.POSITIVE_INFINITY,
      limits: { ...this.o.limits, ...patience },
      certificates: tls && certificatesOf(tls.certificates, before?.certificates),
      log: accessLog && logOf(accessLog, before?.log),
    };
  }

  private tidy(table: RouterTable): void {
    for (const [key, service] of this.services) {
      service.tidy();
      if (!table.services[key] && service.revisions.size === 0) this.services.delete(key);
    }
  }
}

/** As they were, when the new table names the same files. */
function certificatesOf(wanted: readonly Certificate[], present: Certificates | undefined): Certificates {
  return present?.isOf(wanted) ? present : new Certificates(wanted);
}

function logOf(wanted: AccessLogSettings, present: AccessLog | undefined): AccessLog {
  const isSame = present?.settings.file === wanted.file && present.settings.samplePercent === wanted.samplePercent;
  present?.flush();
  return isSame ? present : new AccessLog(wanted);
}

function isUnder(path: string, prefix: string): boolean {
  if (prefix === "/") return true;
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);
}
