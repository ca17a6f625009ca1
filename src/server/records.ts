// What the server needs of the world; the composition root brings it. The server knows no vendor.

import type { DeploymentId, Event, ReleaseRef, Releases } from "../domain/event.ts";
import type { Interval, ReplicaInterval } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import type { EnvironmentHealth } from "../domain/health.ts";
import type { Intent, Standing } from "../domain/plan.ts";
import type { Release, SecretVersions } from "../domain/release.ts";
import type { SeenJobRun, SeenScheduledJob } from "../domain/scheduled-job.ts";
import type { BuildQueue } from "../engine/build-queue.ts";
import type { EvidenceStore, Journal } from "../engine/ports.ts";
import type { Shelves } from "./shared-cache.ts";

export interface Records {
  readonly journal: Journal;
  readonly evidence: EvidenceStore;
  readonly environments: {
    list(): Promise<readonly (Stands & { readonly name: string; readonly open: readonly DeploymentId[] })[]>;
    stands(environment: string): Promise<Stands>;
  };
  readonly releases: {
    keep(release: ReleaseRef, frozen: unknown): Promise<boolean>;
    get(id: string): Promise<{ readonly frozen: unknown; readonly at: Ms } | undefined>;
    byVersion(version: string): Promise<{ readonly id: string } | undefined>;
    list(rowsMax: number): Promise<readonly (ReleaseRef & { readonly at: Ms })[]>;
  };
  readonly builds: BuildQueue;
  readonly feed: {
    after(seq: number): Promise<readonly Event[]>;
    changed(seq: number, signal: AbortSignal): Promise<void>;
  };
  /** Newest first. */
  deployments(query: { environment?: string; open?: boolean; rowsMax: number }): Promise<readonly DeploymentId[]>;
  /** Throws Temporary when the database does not answer. */
  now(): Promise<Ms>;
}

interface Stands {
  readonly stands: Standing;
  readonly release?: ReleaseRef;
  /** Of services that another release brought than the environment's. */
  readonly releases?: Releases;
}

export interface ArtifactManifest {
  readonly artifact: string;
  readonly service: string;
  readonly commit?: string;
  readonly inputs: string;
  readonly config: string;
  readonly files: number;
  readonly bytes: number;
}

/** The packed bytes of an artifact on their way here, named by their own hash, too. */
interface Upload {
  readonly artifact: string;
  readonly packed: string;
}

interface Restart {
  readonly stands: Standing;
  readonly tag: string;
}

export interface Places {
  /** What a release wants of an environment; a Problem when it cannot be deployed there. */
  intend(release: Release, environment: string): Promise<Intent>;
  /** The same for the revisions that stand, each under a name of its own with `tag`: contents and secrets are theirs. */
  restart(release: Release, environment: string, what: Restart): Promise<Intent>;
  /** Where people reach the environment. */
  publicUrl(environment: string): Promise<string | undefined>;
  /** What a deployment waits for just now, as its worker last said. */
  waiting(deployment: DeploymentId): readonly string[];
  /** What a revision's source has of it: whole intervals by route on the candidate's side, and replica by replica. */
  counted(query: CountedQuery): Promise<Counted>;
  /** An OTLP request; answers what of it was left out and why. Throws a SyntaxError or RangeError of what is none. */
  pushMetrics(pushed: { readonly body: Buffer; readonly isJson: boolean }): Promise<string | undefined>;
  /** False when there is no such service. */
  maintain(
    place: { readonly environment: string; readonly service: string },
    wish: { readonly on: boolean; readonly by: string; readonly reason?: string },
  ): Promise<boolean>;
  inMaintenance(environment: string): Promise<Readonly<Record<string, Maintenance>>>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Of one environment or of all. */
  health(environment: string | undefined): Promise<readonly EnvironmentHealth[]>;
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<object>;
  /** Answers the versions of all that the environment has. */
  putSecrets(environment: string, values: Readonly<Record<string, string>>): SecretVersions;
  /** Current values of an environment's secrets. */
  secretValues(environment: string): Readonly<Record<string, string>>;
  /** With which a git server signs its pushes: made once. */
  hookSecret(repository: string): string;
  /** Throws a Problem for a cron expression that is none. */
  checkSchedule(cron: string): void;
  /** Where the shared cache keeps its entries. */
  readonly shelves: Shelves;
  readonly jobs: {
    /** Of all environments. */
    list(): Promise<readonly SeenScheduledJob[]>;
    /** Once for each id. */
    run(environment: string, job: string, id: string): Promise<SeenJobRun>;
    /** The last lines of a run. */
    lines(key: string): Promise<readonly string[]>;
  };
  /** While a demonstration sends requests. */
  traffic?(): Traffic | undefined;
  readonly artifacts: {
    has(artifact: string): Promise<boolean>;
    /** Bytes of it that have arrived. */
    arrived(upload: Upload): Promise<number>;
    /** Takes bytes that begin at `from`, unless that would leave a hole; answers how many have arrived. */
    take(upload: Upload, sent: { readonly from: number; readonly body: AsyncIterable<Uint8Array> }): Promise<number>;
    /** A Problem when what arrived does not have both hashes. */
    finish(upload: Upload, manifest: ArtifactManifest): Promise<void>;
  };
}

/** Who wanted that a service answers nobody, since when and why. */
export interface Maintenance {
  readonly by: string;
  readonly at: number;
  readonly reason?: string;
}

/** Requests of a demonstration, counted by who sent them. */
export interface Traffic {
  readonly sent: number;
  /** No answer, or an error that Sluice made. */
  readonly failed: number;
  /** Answered by a service, with an error or too slowly. */
  readonly badServed: number;
}

interface CountedQuery {
  readonly environment: string;
  readonly service: string;
  readonly revision: string;
  readonly since: Ms;
}

export interface Counted {
  readonly intervals: readonly Interval[];
  readonly replicas: readonly ReplicaInterval[];
}

interface LogQuery {
  readonly environment: string;
  readonly service?: string;
  readonly revision?: string;
  readonly replica?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly tail: number;
  readonly follow: boolean;
}
