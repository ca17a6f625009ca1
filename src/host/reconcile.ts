// Keeps the fleet and the router's table moving towards what is asked, one pass at a time; anything that happens asks
// for another pass. Needs no control plane.
import type { Ms } from "../domain/frame.ts";
import { Temporary } from "../domain/problem.ts";
import type { ServiceKey } from "./api.ts";
import { type Decision, decide } from "./decide.ts";
import type { Fleet } from "./fleet.ts";
import type { Replica } from "./replica/replica.ts";
import type { RouterLink } from "./router-link.ts";
import type { RoutedService } from "./table.ts";
import { plainListener, tableOf } from "./table-of.ts";
import type { ListenerId } from "./twin.ts";
import { writeWhole } from "./whole-file.ts";

export interface ReconcilerOptions {
  readonly fleet: Fleet;
  readonly router: RouterLink;
  readonly tableFile: string;
  readonly challenges: string;
  /** Folder of the access logs. */
  readonly logs: string;
  /** Length of the router's counted intervals, when it is not its default. */
  readonly intervalMs?: Ms;
  readonly forget: (listener: ListenerId) => void;
  readonly log: (line: string) => void;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #leaving = new Set<Replica>();
  #isRunning = false;
  #isDirty = false;
  #isStopped = false;
  #isEmptying = false;
  #inForce = "";

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  reconsider(): void {
    this.#isDirty = true;
    if (!this.#isRunning && !this.#isStopped) void this.#passes();
  }

  /** A router that was started anew is told again. */
  routerRestarted(): void {
    this.#inForce = "";
    this.reconsider();
  }

  /** Drains and stops every replica; what is asked is kept for the next start. */
  async stopAll(): Promise<void> {
    this.#isEmptying = true;
    this.reconsider();
    while (this.#options.fleet.all().some(({ record }) => record.state !== "exited")) await pause(20);
  }

  remember(): void {
    this.#onDisk(() => this.#options.fleet.save());
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #passes(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false;
      await pause(0); // what happened together is reconsidered together
      await this.#pass().catch(async (error: unknown) => {
        this.#isDirty = true;
        if (error instanceof Temporary) return pause(50); // the router is being restarted
        this.#options.log(`a pass failed: ${error instanceof Error ? error.stack : error}`);
        return pause(1_000);
      });
    }
    this.#isRunning = false;
  }

  async #pass(): Promise<void> {
    const { fleet } = this.#options;
    fleet.tidy();
    this.#forgetListeners();
    const decisions = Object.entries(fleet.state.services).map(([key, service]) => ({
      key,
      ...decide(
        this.#isEmptying ? { ...service.desired, revisions: {} } : service.desired,
        fleet.of(key).map(({ record }) => record),
        service.inForce,
      ),
    }));
    await Promise.all(
      decisions.flatMap(({ key, start }) => start.map((one) => fleet.start(key, one.revision, one.slot))),
    );
    this.remember();
    await this.#route(Object.fromEntries(decisions.map(({ key, route }) => [key, this.#withPage(key, route)])));
    this.#release(decisions);
    this.remember();
  }

  #withPage(key: ServiceKey, route: RoutedService): RoutedService {
    return this.#options.fleet.state.services[key]?.maintenance ? { ...route, isInMaintenance: true } : route;
  }

  /** Written before it is sent, so that a router that starts at this moment serves it; sent when it says something new. */
  async #route(routes: Readonly<Record<ServiceKey, RoutedService>>): Promise<void> {
    const { fleet, router, tableFile, logs, challenges, intervalMs } = this.#options;
    const { state } = fleet;
    const desired = Object.fromEntries(Object.entries(state.services).map(([key, service]) => [key, service.desired]));
    const counted = intervalMs === undefined ? {} : { intervalMs };
    const { stickySecret } = state;
    const parts = { ...counted, stickySecret, logs, challenges, listeners: Object.keys(state.ports), routes, desired };
    const text = JSON.stringify(tableOf({ version: 0, ...parts }));
    if (text !== this.#inForce) {
      state.tableVersion += 1;
      const table = tableOf({ version: state.tableVersion, ...parts });
      this.#onDisk(() => writeWhole(tableFile, JSON.stringify(table)));
      await router.put(table);
      this.#inForce = text;
    }
    for (const [key, route] of Object.entries(routes)) {
      const service = state.services[key];
      if (service !== undefined) service.inForce = route;
    }
  }

  /** A full disk must not keep traffic away from what is ready: what could not be written is written at the next pass. */
  #onDisk(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#options.log(`not written: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Every router has confirmed that it chooses these no more. */
  #release(decisions: readonly (Decision & { key: ServiceKey })[]): void {
    const leave = new Set(decisions.flatMap((decision) => decision.leave));
    for (const replica of this.#options.fleet.all()) {
      if (leave.has(replica.record.id)) replica.drain();
      if (replica.record.state === "draining" && !this.#leaving.has(replica)) void this.#drainOut(replica);
    }
  }

  async #drainOut(replica: Replica): Promise<void> {
    this.#leaving.add(replica);
    const until = performance.now() + replica.spec.drainTimeoutMs;
    while (performance.now() < until && !this.#isStopped && (await this.#inFlight(replica)) > 0) await pause(25);
    this.#leaving.delete(replica);
    if (!this.#isStopped) replica.stop(() => this.#inFlight(replica));
  }

  /** While the router cannot be asked, it may have requests in flight. */
  #inFlight({ record }: Replica): Promise<number> {
    return this.#options.router.inFlight(record).catch(() => 1);
  }

  #forgetListeners(): void {
    const { state } = this.#options.fleet;
    const used = new Set([
      plainListener,
      ...Object.entries(state.services).flatMap(([key, { desired }]) => [
        `service:${key}`,
        `entry:${desired.entry.environment}`,
      ]),
    ]);
    for (const id of Object.keys(state.ports)) {
      if (used.has(id)) continue;
      delete state.ports[id];
      this.#options.forget(id);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
