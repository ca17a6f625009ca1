// What the engine needs of the world. Adapters stand behind these; the engine never names a vendor.
import type { Check } from "../domain/check.ts";
import type { DeploymentId, Event, Fact, ReleaseRef, Releases } from "../domain/event.ts";
import type { Observation } from "../domain/evidence.ts";
import type { Frame, Ms, RevisionId } from "../domain/frame.ts";
import type { HealthStatus } from "../domain/health.ts";
import type { Sample } from "../domain/metric.ts";
import type { ServiceName, Standing } from "../domain/plan.ts";
import type { Powers } from "../domain/powers.ts";
import type { Run } from "../domain/run.ts";
import type { Seen } from "../domain/seen.ts";

export interface Clock {
  now(): Ms;
  sleep(ms: Ms): Promise<void>;
}

/** Which journal commands come from, and the global sequence number of the last event read: a lower one is refused. */
export interface Fence {
  readonly journal: string;
  readonly seq: number;
}

/** One service in one environment on one target. Every call may throw `Temporary`. */
export interface Target {
  readonly powers: Powers;
  /** Makes the revision exist here, serving nobody. The same revision again is harmless. */
  publish(revision: RevisionId): Promise<void>;
  /** Asks and returns. `size` is what 100 % capacity comes to. A fence lower than one seen before is refused: `Fenced`. */
  apply(frame: Frame, size: number, fence: Fence): Promise<void>;
  /** Never older than our last apply. */
  observe(): Promise<Seen>;
  /** Forgets a revision that no frame names any more. */
  retire(revision: RevisionId): Promise<void>;
}

/** Somebody newer moves this service: this worker is late and must stop, harmlessly. */
export class Fenced extends Error {
  override readonly name = "Fenced";
}

export type JobAnswer =
  | { readonly state: "running" }
  | { readonly state: "succeeded"; readonly note?: string }
  | { readonly state: "failed"; readonly because: string };

export interface Jobs {
  /** Starts the job under this key, or finds the one that was started under it: it is effective once. */
  run(job: JobCall): Promise<JobAnswer>;
}

export interface JobCall {
  readonly key: string;
  readonly name: string;
  readonly environment: string;
  readonly release: ReleaseRef;
}

export interface MetricSource {
  /**
   * Whole intervals that started at or after `since` and are complete, and gaps where there should be one, with the
   * source's words; throws `Temporary` when the source cannot answer at all.
   */
  read(query: {
    readonly environment: string;
    readonly service: ServiceName;
    readonly stable?: RevisionId;
    readonly candidate: RevisionId;
    readonly since: Ms;
  }): Promise<readonly Observation[]>;
  /** What a query says at this moment; throws `Temporary` when the source cannot answer, `Problem` when it never will. */
  sample(query: SampleQuery): Promise<Sample>;
  /** One request to a URL, from where the control plane runs. */
  probe(check: Extract<Check, { kind: "probe" }>): Promise<{ readonly ok: boolean; readonly because: string }>;
}

/** A number of a metric source: the host's own ("cpu", see `hostQueries`), or whatever a named source understands. */
export interface SampleQuery {
  readonly environment: string;
  readonly service: ServiceName;
  readonly revision: RevisionId;
  /** "host", or a source of the configuration. */
  readonly source: string;
  readonly query: string;
}

/** Evidence is not history: intervals are kept apart from the journal, by where they were taken. */
export interface EvidenceStore {
  put(at: EvidenceKey, observations: readonly Observation[]): Promise<void>;
  get(at: EvidenceKey): Promise<readonly Observation[]>;
}

export interface EvidenceKey {
  readonly deployment: DeploymentId;
  readonly node: string;
  readonly step: number;
  readonly service: ServiceName;
}

export interface Journal {
  readonly id: string;
  /** From a position on only for whoever follows: of what ended so long ago that it is archived, that is nothing. */
  read(deployment: DeploymentId, from?: number): Promise<readonly Event[]>;
  /** Writes the fact at exactly this position, or not at all: then answers undefined. */
  append(deployment: DeploymentId, position: number, fact: Fact): Promise<Event | undefined>;
}

/** Due deployments, handed to one worker at a time. */
export interface Claims {
  /** The most overdue deployment that nobody holds, with a lease; `gapMs` since its last lease ran out unreleased. */
  claim(worker: string, leaseMs: Ms): Promise<Claim | undefined>;
  /** Prolongs the lease; false when it was lost. */
  renew(claim: Claim, leaseMs: Ms): Promise<boolean>;
  /** Gives it back; it is due again at `dueInMs` from now, or never (undefined). */
  release(claim: Claim, dueInMs: Ms | undefined): Promise<void>;
}

export interface Claim {
  readonly deployment: DeploymentId;
  readonly worker: string;
  readonly token: number;
  /** Where the deployment's journal ends, when the queue knows: who has read so far need not read again. */
  readonly position?: number;
  /** How long it was due before it was claimed. */
  readonly lateMs?: Ms;
  /** How long nobody looked beyond what was planned, when a worker takes over after a crash; 0 otherwise. */
  readonly gapMs: Ms;
}

/** What stands in an environment, and whose turn it is. */
export interface Environments {
  /** `turn`: whether every earlier deployment of the environment has ended. */
  standing(
    environment: string,
    deployment: DeploymentId,
  ): Promise<{
    readonly turn: boolean;
    readonly stands: Standing;
    readonly release?: ReleaseRef;
    /** Of services that another release brought than the environment's. */
    readonly releases?: Releases;
  }>;
}

/** What may follow on the end of a deployment. */
export interface After {
  /** Whether its environment still stands on what it brought: `moving` while another is under way. */
  standing(deployment: DeploymentId): Promise<"here" | "moving" | "gone">;
  /** What a service's replicas say of it: the worst, and the worst of each part; empty where nobody can tell. */
  health(
    environment: string,
    service: ServiceName,
  ): Promise<{ readonly health?: HealthStatus; readonly parts?: Readonly<Record<string, HealthStatus>> }>;
  /** Asks for the return, once however often; throws a Problem when there is nothing to return to. */
  goBack(run: Run, why: { readonly because: string; readonly asks: boolean }): Promise<DeploymentId>;
}

export interface Ports {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly environments: Environments;
  readonly metrics: MetricSource;
  readonly evidence: EvidenceStore;
  readonly jobs: Jobs;
  target(environment: string, service: ServiceName): Promise<Target>;
  /** Without it nothing is watched after its end. */
  readonly after?: After;
  /** Is told of bugs; the run they stand in waits and ends by its deadlines. Without it they are thrown. */
  readonly report?: (error: unknown) => void;
  /** SHA-256, hexadecimal. */
  digest(text: string): string;
}
