// What the control plane may ask of the host and what it is told: commands in order of their fences, observations that
// are never older than the question.
import { addressOf } from "../domain/address.ts";
import { Problem } from "../domain/problem.ts";
import type { DesiredService, Fence, MaintenanceWish, SeenRevision, SeenService, ServiceKey } from "./api.ts";
import { problemsOf } from "./desired-check.ts";
import type { Fleet } from "./fleet.ts";
import type { RouterLink } from "./router-link.ts";
import type { RouterSeen } from "./table.ts";
import { entryOf, listenersOf } from "./table-of.ts";
import type { ListenerId } from "./twin.ts";

/** A later command, or another control plane's, came first. */
export class Outranked extends Error {
  override readonly name = "Outranked";
  readonly present: Fence;
  constructor(message: string, present: Fence) {
    super(message);
    this.present = present;
  }
}

export interface HostOptions {
  readonly fleet: Fleet;
  readonly router: RouterLink;
  readonly reconsider: () => void;
  readonly log: (line: string) => void;
  /** Opens the listener if it is not open, answers its port; throws a Problem when the port is taken. */
  readonly listen: (id: ListenerId, port: number) => number;
}

export class Host {
  readonly #options: HostOptions;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** Remembered on disk when this returns. */
  put(key: ServiceKey, desired: DesiredService): void {
    const problems = problemsOf(desired);
    if (problems.length > 0) throw new Problem(`${key}: ${problems.join("; ")}`, "Mend the document and put it again");
    this.#obey(key, desired.fence);
    const { state } = this.#options.fleet;
    const isLeaving = Object.keys(desired.revisions).length === 0;
    for (const id of listenersOf(key, desired)) {
      // What goes away needs no public port: one that another program has must not keep it here.
      if (isLeaving && id.startsWith("entry:")) continue;
      const asked = id.startsWith("entry:") ? desired.entry.port : 0;
      state.ports[id] = this.#options.listen(id, asked === 0 ? (state.ports[id] ?? 0) : asked);
    }
    const before = state.services[key];
    const specs = { ...before?.specs };
    for (const [revision, { spec }] of Object.entries(desired.revisions)) specs[revision] = spec;
    state.services[key] = { cut: {}, ...before, desired, specs, isRemoved: false };
    this.#accept(key, desired.fence);
  }

  /** Drains, stops and forgets the service. */
  remove(key: ServiceKey, fence: Fence): void {
    this.#obey(key, fence);
    const service = this.#options.fleet.state.services[key];
    if (service !== undefined) {
      service.desired = { ...service.desired, fence, revisions: {}, routes: [] };
      service.isRemoved = true;
    }
    this.#accept(key, fence);
  }

  /** Everybody gets the maintenance page, or the service again. Kept over restarts and deployments. */
  maintain(key: ServiceKey, { on, by, reason }: MaintenanceWish): boolean {
    const { fleet, reconsider, log } = this.#options;
    const service = fleet.state.services[key];
    if (service === undefined || service.isRemoved) return false;
    if (on) service.maintenance = { by, at: Date.now(), ...(reason === undefined ? {} : { reason }) };
    else delete service.maintenance;
    log(`${key}: maintenance ${on ? "on" : "off"}, by ${by}${reason === undefined ? "" : `: ${reason}`}`);
    fleet.save();
    reconsider();
    return true;
  }

  /** From now on this journal commands the host; what runs stays. */
  claim(journal: string): void {
    this.#options.fleet.state.journal = journal;
    this.#options.fleet.save();
  }

  /** Throws when another journal commands this host. */
  mustObey(asking: string): void {
    const { journal } = this.#options.fleet.state;
    if (journal === undefined || journal === asking) return;
    throw new Outranked(`this host obeys journal ${journal}; ${asking} must claim it first`, { journal, seq: 0 });
  }

  services(): readonly ServiceKey[] {
    return Object.keys(this.#options.fleet.state.services);
  }

  /** Throws Temporary while the router cannot be asked: weights are what it reports, or nothing. */
  async observe(key: ServiceKey): Promise<SeenService | undefined> {
    const { fleet, router } = this.#options;
    if (fleet.state.services[key] === undefined) return undefined;
    const routed = await router.seen();
    const service = fleet.state.services[key];
    if (service === undefined) return undefined;
    const weighted = Object.entries(routed.services[key]?.revisions ?? {}).filter(([, { weight }]) => weight > 0);
    const names = new Set([
      ...Object.keys(service.desired.revisions),
      ...fleet.of(key).map(({ record }) => record.revision),
      ...weighted.map(([name]) => name),
    ]);
    const { ports, fences } = fleet.state;
    const { environment } = service.desired.entry;
    const entryPort = ports[`entry:${environment}`] ?? 0;
    return {
      fence: fences[key] ?? service.desired.fence,
      revisions: Object.fromEntries([...names].map((name) => [name, this.#seenRevision(key, name, routed)])),
      routes: service.inForce?.routes ?? [],
      internalPort: ports[`service:${key}`] ?? 0,
      entryPort,
      entryUrl: this.#entryUrl(environment, entryPort),
      ...(service.maintenance === undefined ? {} : { maintenance: service.maintenance }),
      observedAt: Date.now(),
    };
  }

  #entryUrl(environment: string, port: number): string {
    const { services } = this.#options.fleet.state;
    const desired = Object.fromEntries(Object.entries(services).map(([key, service]) => [key, service.desired]));
    const { domain, options } = entryOf(environment, desired) ?? {};
    return addressOf({ domain, isSecure: options?.tls !== undefined, port });
  }

  #seenRevision(key: ServiceKey, revision: string, seen: RouterSeen): SeenRevision {
    const { fleet } = this.#options;
    const replicas = fleet.of(key).filter(({ record }) => record.revision === revision);
    const routed = seen.services[key]?.revisions[revision];
    const failing = replicas.filter(({ record }) => record.broken !== undefined);
    const broken = failing[0]?.record.broken;
    const cutBefore = fleet.state.services[key]?.cut[revision] ?? 0;
    return {
      weight: routed?.weight ?? 0,
      ready: replicas.filter(({ record }) => record.state === "ready").length,
      replicas: replicas.map((replica) => replica.seen()),
      inFlight: routed?.inFlight ?? 0,
      cut: replicas.reduce((sum, { record }) => sum + record.cut, cutBefore),
      ...(broken === undefined ? {} : { broken, failing: failing.length }),
    };
  }

  #obey(key: ServiceKey, fence: Fence): void {
    const { journal, fences } = this.#options.fleet.state;
    const present = fences[key];
    if (journal !== undefined && journal !== fence.journal)
      throw new Outranked(
        `this host obeys journal ${journal}; ${fence.journal} must claim it first`,
        present?.journal === journal ? present : { journal, seq: 0 },
      );
    if (present !== undefined && present.journal === fence.journal && fence.seq < present.seq)
      throw new Outranked(`${key}: command ${fence.seq} came after ${present.seq}, which outranks it`, present);
  }

  #accept(key: ServiceKey, fence: Fence): void {
    const { fleet, reconsider } = this.#options;
    fleet.state.journal = fence.journal;
    fleet.state.fences[key] = fence;
    fleet.save();
    reconsider();
  }
}
