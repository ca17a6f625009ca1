// A plan is data: every frame and gate of a deployment, written down before it starts. The same value is printed by a
// dry run, drawn by the dashboard, executed by the engine, simulated in tests and resumed after a crash.
import type { Frame, Ms, RevisionId, Route } from "./frame.ts";
import { startingAt } from "./passed.ts";
import { isChange } from "./restart.ts";
import { plannedService, retirement, retiringService, returning, rollout, settle } from "./rollout.ts";
import type { Exposure, Gate, Strategy } from "./strategy.ts";
import type { Watch } from "./watch.ts";
import { inWaves, wavesOf } from "./waves.ts";

export type ServiceName = string;
export type NodeId = string;

export type Step =
  /** `rely`: the revisions whose health this step rests on. */
  { readonly kind: "set"; readonly frame: Frame; readonly rely: readonly RevisionId[]; readonly withinMs: Ms } | Gate;

export interface PlanNode {
  readonly id: NodeId;
  /** Absent for what concerns the whole deployment (smoke tests and the last bake). */
  readonly service?: ServiceName;
  /** Nodes that must be done before this one starts; on the way back, the reverse. */
  readonly after: readonly NodeId[];
  readonly steps: readonly Step[];
}

export interface PlannedService {
  readonly stable?: RevisionId;
  readonly candidate: RevisionId;
  /** Replicas that 100 % capacity comes to. */
  readonly size: number;
  readonly strategy: Strategy["kind"];
  /** False for a queue worker: there is no traffic to judge. */
  readonly serves: boolean;
  /** Percent of a side's capacity that may be missing while batches change places. */
  readonly unavailable: number;
  /** Percent of the new replicas that may break before the rollout fails (rolling). */
  readonly failureShare?: number;
  readonly from: Frame;
  readonly withinMs: Ms;
  /** How many may see it before its own gates have passed. */
  readonly exposure?: Exposure;
  /** It is in no configuration any more: it is drained and goes, and nothing takes its place. */
  readonly retires?: true;
}

export interface Plan {
  readonly schema: 1;
  readonly services: Readonly<Record<ServiceName, PlannedService>>;
  /** In an order in which each node comes after those that it waits for. */
  readonly nodes: readonly PlanNode[];
  /** Services whose revision stands already. */
  readonly unchanged: readonly ServiceName[];
  /** Services that stand here and that the release does not have: they stay until a person retires them. */
  readonly orphans?: readonly ServiceName[];
  /** Concerns only these services: the environment keeps its name. */
  readonly isPart?: true;
  /** Set for a return to an earlier release. */
  readonly returns?: Returns;
  /** A rehearsal: when it has been there it returns to what stood. */
  readonly drill?: true;
  /** What it is held against after its end. */
  readonly watch?: Watch;
  /** A failed step goes back by itself, or holds and asks. */
  readonly onFailure: "rollback" | "hold";
  /** A hold ends by evidence, a person's verb, or after this long: it goes back, or stays, never forward. */
  readonly hold: { readonly withinMs: Ms; readonly onDeadline: "rollback" | "stay" };
}

/** What a release wants of one service in one environment: all that planning needs to know. */
export interface IntendedService {
  readonly revision: RevisionId;
  readonly size: number;
  /** False for a queue worker: it has capacity, never traffic. */
  readonly serves: boolean;
  readonly strategy: Strategy;
  readonly dependsOn: readonly ServiceName[];
  /** Patience of each move, default ten minutes. */
  readonly withinMs: Ms;
  readonly preview: readonly Route[];
}

/** A return to an earlier release: what depends on others goes back before them, and all is verified by a deadline. */
export interface Returns {
  /** From its turn to verified. */
  readonly withinMs: Ms;
  /** When a service cannot be taken back: all stay `together`, or `each` goes its own way and is reported. */
  readonly services: "together" | "each";
}

/** What is known of a service that is in no configuration any more. */
export interface Retiring {
  readonly size: number;
  readonly serves: boolean;
  readonly withinMs: Ms;
}

/** What a deployment that failed had passed already, so that it need not be passed again while the same stands. */
export interface Passed {
  readonly stands: Standing;
  /** For each node, the index of the first step that was not done. */
  readonly steps: Readonly<Record<NodeId, number>>;
}

/** Waits its turn; replaces those that wait; or also takes back the one in progress. */
export type QueuePolicy = "wait" | "latestWins" | "cancelInProgress";

export interface Intent {
  readonly services: Readonly<Record<ServiceName, IntendedService>>;
  /** Before anything moves: who must let the release in. */
  readonly admission?: readonly Gate[];
  /** What a deployment does to others of its environment that have not ended; "wait" unless it says. */
  readonly queue?: QueuePolicy;
  /** After the last wave, before the old sides go: smoke tests, then the deployment's own bake. */
  readonly verify: readonly Gate[];
  readonly onFailure: "rollback" | "hold";
  readonly hold: Plan["hold"];
  /** Concerns only `services`: the others of the environment stay as they are. */
  readonly isPart?: true;
  readonly returns?: Returns;
  /** By when a return to this release must be verified. */
  readonly backWithinMs?: Ms;
  /** What it is held against after its end. */
  readonly watch?: Watch;
  readonly drill?: true;
  /** Services that go, by a person's wish. */
  readonly retire?: Readonly<Record<ServiceName, Retiring>>;
  /** Of a deployment that is tried again from where it failed. */
  readonly passed?: Passed;
}

/** What stands in an environment: the revision of each service. */
export type Standing = Readonly<Record<ServiceName, RevisionId>>;

export function plan(intent: Intent, stands: Standing): Plan {
  const names = Object.keys(intent.services).sort();
  const changed = names.filter((name) => isChange(serviceOf(intent, name).revision, stands[name]));
  const goes = Object.keys(intent.retire ?? {}).filter((name) => stands[name] !== undefined);
  const orphans =
    intent.isPart === true ? [] : Object.keys(stands).filter((name) => !names.includes(name) && !goes.includes(name));
  const services = { ...movedServices(intent, stands, changed), ...retiredServices(intent, stands, goes) };
  const nodes = nodesOf(intent, stands, { changed, goes });
  return {
    schema: 1,
    services,
    nodes: intent.passed === undefined ? nodes : startingAt(intent.passed, { nodes, services, stands }),
    unchanged: names.filter((name) => !changed.includes(name)),
    ...(orphans.length === 0 ? {} : { orphans }),
    ...(intent.isPart === undefined ? {} : { isPart: intent.isPart }),
    ...(intent.returns === undefined ? {} : { returns: intent.returns }),
    ...(intent.drill === undefined ? {} : { drill: intent.drill }),
    ...(intent.watch === undefined || changed.length === 0 ? {} : { watch: intent.watch }),
    onFailure: intent.onFailure,
    hold: intent.hold,
  };
}

function serviceOf(intent: Intent, name: ServiceName): IntendedService {
  const service = intent.services[name];
  if (service === undefined) throw new Error(`no service ${name} in this intent`);
  return service;
}

function movedServices(intent: Intent, stands: Standing, changed: readonly ServiceName[]): Plan["services"] {
  return Object.fromEntries(changed.map((name) => [name, plannedService(serviceOf(intent, name), stands[name])]));
}

function retiredServices(intent: Intent, stands: Standing, goes: readonly ServiceName[]): Plan["services"] {
  return Object.fromEntries(
    goes.flatMap((name) => {
      const [retiring, stable] = [intent.retire?.[name], stands[name]];
      return retiring === undefined || stable === undefined ? [] : [[name, retiringService(retiring, stable)]];
    }),
  );
}

interface Moving {
  readonly changed: readonly ServiceName[];
  readonly goes: readonly ServiceName[];
}

/** admission → waves → verify → what goes last: the old sides, and what is retired; or, in a drill, the way back. */
function nodesOf(intent: Intent, stands: Standing, { changed, goes }: Moving): readonly PlanNode[] {
  if (changed.length + goes.length === 0) return [];
  // In an emergency each service goes by itself: none waits for another that cannot.
  const waves = intent.returns?.services === "each" ? [changed] : wavesOf(changed, intent);
  // Going back, what depends on others moves before them: a service is never older than what it depends on.
  const order = intent.returns === undefined ? waves : waves.toReversed();
  const gates = intent.admission ?? [];
  const admission: PlanNode[] = gates.length > 0 ? [{ id: "admission", after: [], steps: gates }] : [];
  const first = admission.map((node) => node.id);
  const rollouts = changed.map((name) => rollout(name, serviceOf(intent, name), stands[name]));
  const ordered = inWaves(order, rollouts, first);
  const moved = order.at(-1) ?? first;
  const hasVerify = intent.verify.length > 0 && changed.length > 0;
  const verify: PlanNode[] = hasVerify ? [{ id: "verify", after: moved, steps: intent.verify }] : [];
  const end = hasVerify ? ["verify"] : moved;
  const last =
    intent.drill === true
      ? inWaves(
          waves,
          ordered.map((node) => returning(node, serviceOf(intent, node.id), stands[node.id])),
          end,
        )
      : ordered.flatMap((node) => settle(node, serviceOf(intent, node.id), end));
  const retired = goes.flatMap((name) => retirement(name, intent.retire?.[name], { stable: stands[name], after: end }));
  return [...admission, ...ordered, ...verify, ...last, ...retired];
}
