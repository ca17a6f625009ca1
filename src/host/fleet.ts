// Everything the host has: what is asked, what is remembered, and the replicas that are held open.
import { join } from "node:path";
import type { ServiceKey } from "./api.ts";
import type { HostPaths } from "./paths.ts";
import { freePort } from "./replica/free-port.ts";
import type { Limiter } from "./replica/limiter.ts";
import { Replica, type ReplicaRecord } from "./replica/replica.ts";
import { endStrays } from "./replica/strays.ts";
import { type HostState, loadState, saveState } from "./state.ts";

export interface FleetOptions {
  readonly paths: HostPaths;
  readonly limiter: Limiter;
  /** System user of replicas that name none; the host's own when left out. */
  readonly user?: string | undefined;
  /** A replica started, ended, became ready or stopped being so. */
  readonly onChange: () => void;
  readonly log: (line: string) => void;
}

export class Fleet {
  readonly state: HostState;
  readonly #options: FleetOptions;
  readonly #replicas = new Map<string, Replica>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.state = loadState(options.paths.state);
  }

  /** Takes over what still runs; answers how many processes that is. */
  adopt(): number {
    const strays = endStrays(
      this.#options.paths.runs,
      new Set(this.state.replicas.flatMap(({ run }) => run?.folder ?? [])),
    );
    if (strays > 0) this.#options.log(`${strays} replicas were started and never written down: ended`);
    for (const record of this.state.replicas) this.#hold(record)?.adopt();
    return this.all().filter(({ record }) => record.run !== undefined).length;
  }

  all(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  of(service: ServiceKey): readonly Replica[] {
    return this.all().filter(({ record }) => record.service === service);
  }

  async start(service: ServiceKey, revision: string, slot: number): Promise<void> {
    const id = this.#freeId(`${revision}-${slot}`, service);
    const replica = this.#hold({
      id,
      service,
      revision,
      slot,
      logFile: join(this.#options.paths.logs, service, `${id}.log`),
      state: "starting",
      port: 0,
      restarts: 0,
      quickExits: 0,
      cut: 0,
    });
    await replica?.start();
  }

  /** Forgets what has ended for good, and revisions that nothing is left of. */
  tidy(): void {
    for (const [id, { record }] of this.#replicas) {
      if (record.state !== "exited") continue;
      const cut = this.state.services[record.service]?.cut ?? {};
      cut[record.revision] = (cut[record.revision] ?? 0) + record.cut;
      if (record.cut > 0) this.#options.log(`${id}: ${record.cut} requests were cut at its end`);
      this.#replicas.delete(id);
    }
    for (const [key, service] of Object.entries(this.state.services)) {
      const left = new Set(this.of(key).map(({ record }) => record.revision));
      for (const revision of Object.keys(service.specs))
        if (!left.has(revision) && service.desired.revisions[revision] === undefined) delete service.specs[revision];
      if (service.isRemoved && left.size === 0) delete this.state.services[key];
    }
  }

  save(): void {
    this.state.replicas = this.all().map(({ record }) => record);
    saveState(this.#options.paths.state, this.state);
  }

  /** Of one replica, of all of a service, or of everything. */
  logFiles(wanted: { service?: string; replica?: string }): readonly { id: string; file: string }[] {
    return this.all()
      .map(({ record }) => record)
      .filter(({ service }) => wanted.service === undefined || wanted.service === service)
      .filter(({ id }) => wanted.replica === undefined || wanted.replica === id)
      .map(({ id, logFile }) => ({ id, file: logFile }));
  }

  letGo(): void {
    for (const replica of this.#replicas.values()) replica.letGo();
  }

  /** A slot may be filled again while its former replica still drains. */
  #freeId(id: string, service: ServiceKey): string {
    const isTaken = (name: string) => this.#replicas.has(name);
    const first =
      isTaken(id) && this.#replicas.get(id)?.record.service !== service ? `${service.replaceAll("/", "-")}-${id}` : id;
    for (let n = 1; ; n++) {
      const name = n === 1 ? first : `${first}.${n}`;
      if (!isTaken(name)) return name;
    }
  }

  #hold(record: ReplicaRecord): Replica | undefined {
    const asked = this.state.services[record.service]?.specs[record.revision];
    if (asked === undefined) return undefined;
    const { user } = this.#options;
    const spec = { ...(user === undefined ? {} : { user }), ...asked };
    const replica = new Replica({
      record,
      spec,
      runs: this.#options.paths.runs,
      limiter: this.#options.limiter,
      freePort: () => freePort(new Set(this.all().map((other) => other.record.port))),
      onChange: () => {
        this.#options.log(`${record.id}: ${record.state}${record.because === undefined ? "" : `, ${record.because}`}`);
        this.#options.onChange();
      },
    });
    this.#replicas.set(record.id, replica);
    return replica;
  }
}
