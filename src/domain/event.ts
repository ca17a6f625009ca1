// The facts of a deployment, in the order in which they were written: its whole history, and all that its state is.
import type { Finding, Stance } from "./check.ts";
import type { Frame, Ms } from "./frame.ts";
import type { Intent, NodeId, Plan, ServiceName, Standing } from "./plan.ts";
import type { Seen } from "./seen.ts";
import type { Sight } from "./watch.ts";

export type DeploymentId = string;

/** How a deployment ended. `failed`: there was nothing to return to. `stuck`: a person is needed. */
export type Outcome = "succeeded" | "rolled back" | "aborted" | "superseded" | "failed" | "stuck";

/** Where in a plan: the step of a node, by its index. */
export interface At {
  readonly node: NodeId;
  readonly step: number;
}

/** Why a deployment turns back, and to what outcome that leads. */
export type Cause =
  | { readonly kind: "step failed"; readonly because: string }
  | { readonly kind: "verdict"; readonly because: string }
  | { readonly kind: "refused"; readonly because: string; readonly by: string }
  | { readonly kind: "aborted"; readonly because: string; readonly by: string }
  | { readonly kind: "hold expired"; readonly because: string }
  | { readonly kind: "superseded"; readonly because: string }
  /** As many requests or users as may see an unproven candidate have seen it. */
  | { readonly kind: "budget spent"; readonly because: string; readonly service: ServiceName };

/** What a deployment is for, where it brings no new release. */
export type Purpose = "rollback" | "restart" | "drill" | "retire";

export type Fact =
  /** A release was asked into an environment; it waits for its turn. */
  | {
      readonly kind: "requested";
      readonly environment: string;
      readonly release: ReleaseRef;
      readonly intent: Intent;
      readonly by: string;
      readonly reason?: string;
      /** Set when this is a return to an earlier release. */
      readonly rollbackOf?: DeploymentId;
      readonly purpose?: Purpose;
      /** The failed deployment that this one takes up where it failed. */
      readonly retryOf?: DeploymentId;
    }
  /** Its turn came: the plan is frozen against what stands. */
  | {
      readonly kind: "planned";
      readonly plan: Plan;
      readonly stands: Standing;
      readonly standingRelease?: ReleaseRef;
      /** Of each service, where it is not the environment's. */
      readonly standingReleases?: Releases;
    }
  /** A job is about to act. */
  | ({ readonly kind: "job started"; readonly attempt: number } & At)
  /** `seen`: what the target reported, where that decided. */
  | ({ readonly kind: "step done"; readonly note?: string; readonly seen?: Seen } & At)
  | ({ readonly kind: "step failed"; readonly because: string; readonly seen?: Seen } & At)
  /** Written when it changes. "watching" takes a hold for want of evidence back: there is evidence again. */
  | ({
      readonly kind: "judged";
      readonly verdict: Stance;
      readonly because: string;
      readonly findings: readonly Finding[];
      /** Of each service, how many observations of this bake had been counted: the evidence that decided. */
      readonly counted?: Readonly<Record<ServiceName, number>>;
      /** SHA-256 over that evidence. */
      readonly digest: string;
    } & At)
  | ({ readonly kind: "approved"; readonly by: string; readonly roles: readonly string[] } & At)
  | ({ readonly kind: "refused"; readonly by: string; readonly because: string } & At)
  /** Waits for a person or for evidence. */
  | ({ readonly kind: "on hold"; readonly because: string } & At)
  /** The walk back begins; its frames are frozen as the plan was. */
  | { readonly kind: "retreat"; readonly cause: Cause; readonly paths: Readonly<Record<ServiceName, readonly Frame[]>> }
  | { readonly kind: "walked back"; readonly service: ServiceName; readonly index: number; readonly seen?: Seen }
  /** One service cannot be taken back to the release that was asked for: it stays, and the others go on. */
  | {
      readonly kind: "given up";
      readonly service: ServiceName;
      readonly because: string;
      readonly path: readonly Frame[];
    }
  /** As many as may see the unproven candidate have seen it: it gets no more traffic. */
  | {
      readonly kind: "budget spent";
      readonly service: ServiceName;
      readonly of: "requests" | "users";
      readonly counted: number;
      readonly limit: number;
    }
  | { readonly kind: "paused"; readonly by: string; readonly reason?: string }
  | { readonly kind: "unpaused"; readonly by: string }
  /** A person's yes to what is being waited for; `full` skips every gate that is still to come. */
  | { readonly kind: "promoted"; readonly by: string; readonly full: boolean }
  | { readonly kind: "abort asked"; readonly by: string; readonly reason: string }
  /** A later deployment takes its place. */
  | { readonly kind: "superseded"; readonly by: DeploymentId }
  | { readonly kind: "retried"; readonly by: string }
  /** A worker took over after a gap in which nobody looked: that time does not use up patience. */
  | { readonly kind: "resumed"; readonly worker: string; readonly gapMs: Ms }
  | {
      readonly kind: "ended";
      readonly outcome: Outcome;
      readonly because?: string;
      /** What stands in the environment now; services in doubt are left out. */
      readonly stands: Standing;
      /** What the environment is called now, and each service that another release brought. */
      readonly release?: ReleaseRef;
      readonly releases?: Releases;
    }
  /** After the end, within its watch: a condition came true that takes the release back, or asks a person first. */
  | {
      readonly kind: "triggered";
      readonly condition: string;
      readonly because: string;
      readonly findings: readonly Finding[];
      /** What was looked at, and for how long the condition had held. */
      readonly sight?: Sight;
      readonly heldMs?: Ms;
      readonly asks: boolean;
    }
  /** The deployment that takes it back is in the environment's queue. */
  | { readonly kind: "return asked"; readonly deployment: DeploymentId }
  /** There is nothing that it may return to. */
  | { readonly kind: "return refused"; readonly because: string };

export interface ReleaseRef {
  /** Content hash. */
  readonly id: string;
  /** What people call it: "3", "v1.4.0", a commit. */
  readonly version: string;
}

/** The release that brought each service. */
export type Releases = Readonly<Record<ServiceName, ReleaseRef>>;

/** A fact as the journal holds it. */
export interface Event {
  readonly schema: 1;
  readonly workspace: string;
  readonly deployment: DeploymentId;
  /** 0, 1, 2 … within the deployment: a fact is written at exactly this position or not at all. */
  readonly position: number;
  /** Grows over all deployments of a journal. */
  readonly seq: number;
  /** The database's clock. */
  readonly at: Ms;
  /** SHA-256 of the event before it in this deployment, "" for the first: the stream is a chain. */
  readonly previous: string;
  readonly hash: string;
  readonly fact: Fact;
}

export type FactOf<K extends Fact["kind"]> = Extract<Fact, { readonly kind: K }>;
