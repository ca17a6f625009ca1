// The state of a deployment: a fold over its facts. Everyone folds the same way: engine, server, terminal and browser.
import { changeBy } from "./change.ts";
import type { Finding, Stance } from "./check.ts";
import type { At, Cause, DeploymentId, Event, Outcome, Purpose, ReleaseRef, Releases } from "./event.ts";
import type { Frame, Ms } from "./frame.ts";
import type { Intent, NodeId, Plan, ServiceName, Standing } from "./plan.ts";

export interface Run {
  readonly id: DeploymentId;
  readonly environment: string;
  readonly release: ReleaseRef;
  readonly intent: Intent;
  readonly by: string;
  readonly reason?: string;
  readonly rollbackOf?: DeploymentId;
  readonly purpose?: Purpose;
  readonly retryOf?: DeploymentId;
  readonly requestedAt: Ms;
  /** When its turn came, moved on by time in which nobody looked. */
  readonly plannedAt?: Ms;
  /** When a worker last took over after a gap in which nobody looked. */
  readonly resumedAt?: Ms;
  /** Position at which the next fact goes. */
  readonly position: number;
  /** Global sequence number of the last fact: what a target's fence holds against older commands. */
  readonly seq: number;
  readonly lastAt: Ms;
  readonly lastHash: string;
  readonly phase: Phase;
  readonly plan?: Plan;
  readonly stands?: Standing;
  readonly standingRelease?: ReleaseRef;
  readonly standingReleases?: Releases;
  readonly nodes: Readonly<Record<NodeId, NodeRun>>;
  readonly paused: { readonly by: string; readonly at: Ms; readonly reason?: string } | undefined;
  readonly hold: Hold | undefined;
  /** A person promoted it in full: gates that are still to come are skipped. */
  readonly full: { readonly by: string } | undefined;
  /** Services that stay where they were while the others go on (a return, each for itself). */
  readonly givenUp: Readonly<Record<ServiceName, GivenUp>>;
  /** Services whose candidate gets no traffic until a person says so: its exposure budget is spent. */
  readonly withdrawn: readonly ServiceName[];
  /** A person said go on: budgets bind no more. */
  readonly isUnbounded: boolean;
  /** After the end: what the watch led to. */
  readonly aftermath?: Aftermath;
}

interface GivenUp {
  readonly because: string;
  readonly walk: Walk;
}

interface Aftermath {
  readonly at: Ms;
  readonly condition: string;
  readonly because: string;
  readonly findings: readonly Finding[];
  readonly asks: boolean;
  /** The deployment that takes it back, once it is asked for. */
  readonly deployment?: DeploymentId;
  /** Why it cannot be. */
  readonly refused?: string;
}

export type Phase =
  | { readonly kind: "queued" }
  | { readonly kind: "running" }
  /** Something failed or somebody said no; the next fact turns back, or holds. */
  | { readonly kind: "turning"; readonly cause: Cause; readonly at?: At }
  | { readonly kind: "retreating"; readonly cause: Cause; readonly walks: Readonly<Record<ServiceName, Walk>> }
  | {
      readonly kind: "ended";
      readonly outcome: Outcome;
      readonly because?: string;
      readonly at: Ms;
      readonly stands: Standing;
    };

export interface NodeRun {
  /** Index of the current step; as many as there are steps when the node is done. */
  readonly step: number;
  /** When the current step became current, moved on by time in which nobody looked. */
  readonly since: Ms;
  readonly attempt: number;
  readonly approvals: readonly { readonly by: string; readonly roles: readonly string[] }[];
  /** Last judgement of the current step. */
  readonly judged?: { readonly verdict: Stance; readonly because: string; readonly findings: readonly Finding[] };
}

export interface Walk {
  readonly path: readonly Frame[];
  /** Index of the frame being asked for; path's length when this service is back. */
  readonly index: number;
  readonly since: Ms;
}

export interface Hold {
  readonly node: NodeId;
  readonly step: number;
  readonly because: string;
  readonly since: Ms;
  /** A hold after a failed step asks whether to go back or try again; one for want of evidence ends by evidence too. */
  readonly cause?: Cause;
}

/** Folds events, oldest first, over a run or over nothing. */
export function fold(events: readonly Event[], run?: Run): Run | undefined {
  return events.reduce<Run | undefined>((state, event) => applied(state, event), run);
}

function applied(run: Run | undefined, event: Event): Run | undefined {
  const next = run === undefined ? begun(event) : { ...run, ...changeBy(event.fact, run, event.at) };
  if (next === undefined) return undefined;
  return { ...next, position: event.position + 1, seq: event.seq, lastAt: event.at, lastHash: event.hash };
}

function begun(event: Event): Run | undefined {
  if (event.fact.kind !== "requested") return undefined;
  const { environment, release, intent, by, reason, rollbackOf, purpose, retryOf } = event.fact;
  return {
    id: event.deployment,
    environment,
    release,
    intent,
    by,
    ...(reason === undefined ? {} : { reason }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(retryOf === undefined ? {} : { retryOf }),
    requestedAt: event.at,
    position: 1,
    seq: event.seq,
    lastAt: event.at,
    lastHash: event.hash,
    phase: { kind: "queued" },
    nodes: {},
    paused: undefined,
    hold: undefined,
    full: undefined,
    givenUp: {},
    withdrawn: [],
    isUnbounded: false,
  };
}
