// What the control plane asks of `sluice host` and what it sees: one absolute document per service, over a Unix socket
// with mode 0600 (HTTP: PUT and GET /services/:environment/:service). The host reconciles towards it by itself, in the
// swap order of ARCHITECTURE.md section 6, and goes on doing so when the control plane is gone.
import type { Ms, Percent, RevisionId, Route } from "../domain/frame.ts";
import type { Health } from "../domain/health.ts";
import type { Buffering, ListenerOptions, TrafficOptions } from "./table.ts";

/** "production/web" */
export type ServiceKey = string;

/** A command outranks those before it in (journal, seq) order; a lower seq is refused, another journal must claim the host. */
export interface Fence {
  readonly journal: string;
  readonly seq: number;
}

export interface Probe {
  /** "running" is content with that. */
  readonly kind: "http" | "tcp" | "command" | "running";
  readonly path?: string;
  readonly command?: readonly string[];
  readonly intervalMs: Ms;
  readonly timeoutMs: Ms;
  /** Consecutive successes until ready. */
  readonly healthyThreshold: number;
  /** Consecutive failures until not ready. */
  readonly unhealthyThreshold: number;
}

/** How one replica of a revision is run. Everything that makes the revision what it is; nothing about how many. */
export interface ReplicaSpec {
  /** Folder with the unpacked artifact: the working directory. */
  readonly folder: string;
  readonly command: readonly string[];
  /** The whole environment but PORT, which the host gives. Values may be secret: never logged, files are 0600. */
  readonly env: Readonly<Record<string, string>>;
  /** System user: a name, a uid, or uid:gid; the host's own, or the one that it was given for all, when left out. */
  readonly user?: string;
  readonly container?: Container;
  /** Whether it gets traffic. */
  readonly readiness: Probe;
  /** Until its first success the other two wait. */
  readonly startup?: Probe;
  /** Its failure restarts the replica. Begins after startup; without one, once it was ready. */
  readonly liveness?: Probe;
  /** Replicas not ready within this long after start count as broken ("never ready"). */
  readonly startWithinMs: Ms;
  readonly drainTimeoutMs: Ms;
  /** SIGTERM to SIGKILL. */
  readonly graceMs: Ms;
  /** A share that counts when the machine is busy. */
  readonly cpuMillicores?: number;
  /** A cap, kept where there are control groups. */
  readonly cpuMillicoresMax?: number;
  readonly memoryMiB?: number;
}

/** An image laid out on this machine: the replica runs inside of it, and writes over it to a layer of its own. */
export interface Container {
  readonly rootfs: string;
  /** "sha256:…" of its manifest. */
  readonly digest: string;
  readonly workingDir: string;
}

export interface DesiredRevision {
  readonly spec: ReplicaSpec;
  readonly replicas: number;
  readonly weight: Percent;
}

/** PUT body. A revision that is not named is drained, stopped and forgotten. Weights sum to 100, or 0 when dark. */
export interface DesiredService {
  readonly fence: Fence;
  readonly revisions: Readonly<Record<RevisionId, DesiredRevision>>;
  readonly routes: readonly Route[];
  /** Public names under which the router serves this service, beside its own internal port. */
  readonly ingress: readonly { readonly host?: string; readonly path: string; readonly stripPath?: boolean }[];
  readonly entry: DesiredEntry;
  readonly buffer: Buffering;
  readonly traffic?: TrafficOptions;
}

/** Ingress rules of services with one `entry` share a listener; what the latest command says of it holds for all. */
export interface DesiredEntry {
  readonly environment: string;
  /** 0: any free one, kept. */
  readonly port: number;
  /** Name that certificates are for. */
  readonly domain?: string;
  readonly options?: Omit<ListenerOptions, "accessLog"> & {
    /** Into a file of the host's. */
    readonly accessLogPercent?: Percent;
  };
}

/** What a replica uses of the machine, with all that it started. */
export interface Usage {
  readonly memoryMiB: number;
  /** Of what it may use; absent where nothing limits it. */
  readonly memoryPercent?: number;
  /** 100 is one core; absent until it was looked at twice. */
  readonly cpuPercent?: number;
}

export type ReplicaState = "starting" | "ready" | "unready" | "draining" | "stopping" | "backing off" | "exited";

export interface SeenReplica {
  readonly id: string;
  readonly state: ReplicaState;
  readonly pid?: number;
  readonly port: number;
  readonly startedAt: Ms;
  readonly restarts: number;
  /** How its last run ended that nobody had asked to end. */
  readonly lastExit?: LastExit;
  /** Why it last ended or is not ready, in plain words: "exited with code 1 after 0.4 s", "GET /health answered 503". */
  readonly because?: string;
  /** What its last health answer said of itself, part by part, when it said anything. */
  readonly health?: Health;
  readonly usage?: Usage;
  readonly logFile: string;
}

export interface LastExit {
  readonly at: Ms;
  /** "killed: used more than 512 MiB after 3 min" */
  readonly because: string;
}

export interface SeenRevision {
  /** As the router reports it back, not as it was asked for. */
  readonly weight: Percent;
  readonly ready: number;
  readonly replicas: readonly SeenReplica[];
  /** Requests in flight at the router. */
  readonly inFlight: number;
  /** Set when it cannot become ready by waiting: crash loop, never ready, start command missing. */
  readonly broken?: string;
  /** How many replicas that is. */
  readonly failing?: number;
  /** Requests cut by the end of drain or grace so far. */
  readonly cut: number;
}

/** PUT /maintenance/:environment/:service. */
export interface MaintenanceWish {
  readonly on: boolean;
  readonly by: string;
  readonly reason?: string;
}

/** Everybody gets the maintenance page: who wanted it, since when and why. */
export interface Maintenance {
  readonly by: string;
  readonly at: Ms;
  readonly reason?: string;
}

/** GET answer: an observation made after the request came in. `fence` is the highest accepted for this service. */
export interface SeenService {
  readonly fence: Fence;
  readonly revisions: Readonly<Record<RevisionId, SeenRevision>>;
  readonly routes: readonly Route[];
  /** Loopback port on which other services reach it through the router. */
  readonly internalPort: number;
  /** Port of its environment's `entry` listener, and how it is asked. */
  readonly entryPort: number;
  readonly entryUrl: string;
  readonly maintenance?: Maintenance;
  readonly observedAt: Ms;
}
