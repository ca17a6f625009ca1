// The router as one object: listeners in, a table in force, connections served. router-main.ts makes a process of it.
import { randomBytes } from "node:crypto";
import type { Server } from "node:net";
import type { Ms } from "../../domain/frame.ts";
import type { RouterSeen } from "../table.ts";
import { Client } from "./client.ts";
import { Connections } from "./connections.ts";
import type { Controlled } from "./control.ts";
import { metricsText } from "./metrics.ts";
import type { Replica } from "./replica.ts";
import { Routing } from "./routing.ts";
import { Secure } from "./secure.ts";
import { defaultLimits, type Limits, type Shop } from "./shop.ts";
import { checkTable } from "./table-check.ts";

export interface RouterOptions {
  readonly limits?: Partial<Limits>;
}

const sweepMs = 250;
const waitingMs = 50;
const certificatesMs = 1_000;

export class Router implements Controlled {
  readonly routing: Routing;
  private readonly shop: Shop;
  private readonly servers = new Map<string, Server>();
  private readonly secures: Secure[] = [];
  private readonly timers: readonly NodeJS.Timeout[];

  constructor(o: RouterOptions = {}) {
    const limits = { ...defaultLimits, ...o.limits };
    this.routing = new Routing({ now, wall: Date.now, limits, onLeave: endForDrain });
    const prefix = randomBytes(6).toString("hex");
    let requests = 0;
    this.shop = {
      routing: this.routing,
      clients: new Set(),
      limits,
      now,
      wall: Date.now,
      requestId: () => `${prefix}-${(++requests).toString(36)}`,
      connections: new Connections(),
      isStopping: false,
    };
    this.timers = [
      setInterval(() => this.sweep(), sweepMs),
      setInterval(() => this.callWaiting(), waitingMs),
      setInterval(() => this.reloadCertificates(), certificatesMs),
    ];
  }

  serve(listener: string, server: Server): Server {
    const { shop } = this;
    const secure = new Secure({
      connections: shop.connections,
      certificates: () => this.routing.entries.get(listener)?.certificates,
      connectionsMax: (address) => this.routing.connectionsMax(listener, address),
      serve: (socket) => new Client(socket, { shop, listener, proto: "https" }),
    });
    this.secures.push(secure);
    server.on("connection", (socket) => {
      if (this.routing.entries.get(listener)?.certificates) secure.accept(socket);
      else new Client(socket, { shop, listener, proto: "http" });
    });
    this.servers.set(listener, server);
    return server;
  }

  unserve(listener: string): void {
    this.servers.get(listener)?.close();
    this.servers.delete(listener);
  }

  put(table: unknown): RouterSeen {
    const checked = checkTable(table);
    this.routing.apply(checked);
    return this.seen();
  }

  seen(): RouterSeen {
    const listening = [...this.servers].filter(([, server]) => server.listening);
    return {
      version: this.routing.version,
      listeners: Object.fromEntries(listening.map(([id, server]) => [id, portOf(server)])),
      services: this.routing.seen(),
    };
  }

  metrics(): string {
    return metricsText(this.routing.services, this.shop.clients.size);
  }

  intervals(o: { service: string; sinceMs: Ms }): ReturnType<Controlled["intervals"]> {
    const service = this.routing.services.get(o.service);
    service?.tally.turn(Date.now());
    return service?.tally.intervals(o.sinceMs);
  }

  /** In flight on a replica, wherever it stands; one that still is in the table goes on being chosen. */
  drain(id: string): number {
    const revisions = [...this.routing.services.values()].flatMap((s) => [...s.revisions.values()]);
    const replicas = revisions.flatMap((r) => [...r.replicas, ...r.leaving]);
    return replicas.filter((r) => r.id === id).reduce((sum, r) => sum + r.inFlight, 0);
  }

  /** Stops accepting, finishes what is in work, then resolves; after `withinMs` the rest is cut. */
  async stop(withinMs: Ms): Promise<void> {
    this.shop.isStopping = true;
    for (const server of this.servers.values()) server.close();
    for (const secure of this.secures) secure.stop();
    for (const client of this.shop.clients) client.stop();
    const until = now() + withinMs;
    while (this.shop.clients.size > 0 && now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const client of this.shop.clients) client.socket.destroy();
    for (const timer of this.timers) clearInterval(timer);
    for (const replica of this.replicas()) replica.closeIdle(now(), true);
  }

  private replicas(): readonly Replica[] {
    const revisions = [...this.routing.services.values()].flatMap((s) => [...s.revisions.values()]);
    return revisions.flatMap((r) => [...r.replicas, ...r.leaving]);
  }

  private sweep(): void {
    for (const client of this.shop.clients) client.checkTime(now());
    for (const replica of this.replicas()) replica.closeIdle(now(), false);
    for (const entry of this.routing.entries.values()) entry.log?.flush();
    for (const service of this.routing.services.values()) service.tally.turn(Date.now());
  }

  private reloadCertificates(): void {
    for (const entry of this.routing.entries.values()) entry.certificates?.reload();
  }

  private callWaiting(): void {
    for (const service of this.routing.services.values()) if (service.waiting.count > 0) service.waiting.call(now());
  }
}

/** Monotonic. */
function now(): Ms {
  return performance.now();
}

function endForDrain(replica: Replica): void {
  replica.closeIdle(now(), true);
  replica.endLasting();
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
