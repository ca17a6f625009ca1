// A plan is data: every frame and gate of a deployment, written down before it starts. The same value is printed by a
// dry run, drawn by the dashboard, executed by the engine, simulated in tests and resumed after a crash.
import { type Frame, type Ms, type RevisionId, type Route, sameFrame, shareOf, wholly } from "./frame.ts";
import { moves } from "./moves.ts";
import { type Gate, milestones, type Strategy, standing } from "./strategy.ts";

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
}

export interface Plan {
  readonly schema: 1;
  readonly services: Readonly<Record<ServiceName, PlannedService>>;
  /** In an order in which each node comes after those that it waits for. */
  readonly nodes: readonly PlanNode[];
  /** Services whose revision stands already. */
  readonly unchanged: readonly ServiceName[];
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
}

/** What stands in an environment: the revision of each service. */
export type Standing = Readonly<Record<ServiceName, RevisionId>>;

export function plan(intent: Intent, stands: Standing): Plan {
  const names = Object.keys(intent.services).sort();
  const changed = names.filter((name) => intent.services[name]?.revision !== stands[name]);
  const services = Object.fromEntries(
    changed.map((name) => [name, plannedService(serviceOf(intent, name), stands[name])]),
  );
  const rollouts = changed.map((name) => rollout(name, serviceOf(intent, name), stands[name]));
  const waves = wavesOf(changed, intent);
  const gates = intent.admission ?? [];
  const admission: PlanNode[] =
    gates.length > 0 && changed.length > 0 ? [{ id: "admission", after: [], steps: gates }] : [];
  const first = admission.map((node) => node.id);
  const ordered = waves.flatMap((wave, i) =>
    rollouts.filter((node) => wave.includes(node.id)).map((node) => ({ ...node, after: waves[i - 1] ?? first })),
  );
  const verify: PlanNode[] =
    intent.verify.length > 0 && changed.length > 0
      ? [{ id: "verify", after: waves.at(-1) ?? [], steps: intent.verify }]
      : [];
  const end = verify.length > 0 ? ["verify"] : (waves.at(-1) ?? []);
  return {
    schema: 1,
    services,
    nodes: [
      ...admission,
      ...ordered,
      ...verify,
      ...ordered.flatMap((node) => settle(node, serviceOf(intent, node.id), end)),
    ],
    unchanged: names.filter((name) => !changed.includes(name)),
    onFailure: intent.onFailure,
    hold: intent.hold,
  };
}

function serviceOf(intent: Intent, name: ServiceName): IntendedService {
  const service = intent.services[name];
  if (service === undefined) throw new Error(`no service ${name} in this intent`);
  return service;
}

function plannedService(service: IntendedService, stable: RevisionId | undefined): PlannedService {
  return {
    ...(stable === undefined ? {} : { stable }),
    candidate: service.revision,
    size: service.size,
    strategy: service.strategy.kind,
    serves: service.serves,
    unavailable: service.strategy.kind === "rolling" ? service.strategy.maxUnavailable : 0,
    ...(service.strategy.kind === "rolling" && service.strategy.maxFailureShare > 0
      ? { failureShare: service.strategy.maxFailureShare }
      : {}),
    from: quiet(standing(stable), service.serves),
    withinMs: service.withinMs,
  };
}

function rollout(name: ServiceName, service: IntendedService, stable: RevisionId | undefined): PlanNode {
  const sides = { ...(stable === undefined ? {} : { stable }), candidate: service.revision, preview: service.preview };
  const steps: Step[] = [];
  let frame = quiet(standing(stable), service.serves);
  for (const milestone of milestones(service.strategy, sides)) {
    if (milestone.kind !== "frame") {
      steps.push(milestone);
      continue;
    }
    const goal = quiet(milestone.frame, service.serves);
    steps.push(...sets(frame, goal, service.withinMs));
    frame = goal;
  }
  return { id: name, service: name, after: [], steps };
}

/** The old side stays whole until the whole deployment's bake has ended; only then it goes. */
function settle(node: PlanNode, service: IntendedService, after: readonly NodeId[]): readonly PlanNode[] {
  const last = node.steps.findLast((step) => step.kind === "set");
  if (last === undefined) return [];
  const goal = quiet(wholly(service.revision), service.serves);
  if (sameFrame(last.frame, goal)) return [];
  return [{ id: `settle ${node.id}`, service: node.id, after, steps: sets(last.frame, goal, service.withinMs) }];
}

function sets(from: Frame, to: Frame, withinMs: Ms): readonly Step[] {
  const frames = moves(from, to);
  return frames.map((frame, i) => ({
    kind: "set",
    frame,
    rely: relied(i === 0 ? from : (frames[i - 1] ?? from), frame),
    withinMs,
  }));
}

/** A move rests on whatever grows in it and on whatever carries traffic after it. */
function relied(before: Frame, after: Frame): readonly RevisionId[] {
  return Object.keys(after.revisions).filter((revision) => {
    const share = shareOf(after, revision);
    return share.traffic > shareOf(before, revision).traffic || share.capacity > shareOf(before, revision).capacity;
  });
}

function quiet(frame: Frame, serves: boolean): Frame {
  if (serves) return frame;
  const shares = Object.entries(frame.revisions).map(([r, share]) => [r, { capacity: share.capacity, traffic: 0 }]);
  return { revisions: Object.fromEntries(shares), routes: [] };
}

/** Services of one wave depend on nothing that has not gone before; dependencies are followed through unchanged ones. */
export function wavesOf(names: readonly ServiceName[], intent: Intent): readonly (readonly ServiceName[])[] {
  const waves: ServiceName[][] = [];
  const placed = new Set<ServiceName>();
  while (placed.size < names.length) {
    const wave = names.filter((n) => !placed.has(n) && needs(n, names, intent).every((needed) => placed.has(needed)));
    if (wave.length === 0)
      throw new Error(`services depend on each other in a circle: ${names.filter((n) => !placed.has(n)).join(", ")}`);
    for (const name of wave) placed.add(name);
    waves.push(wave);
  }
  return waves;
}

/** Members of `names` that `name` needs, directly or through services that do not change. */
function needs(
  name: ServiceName,
  names: readonly ServiceName[],
  intent: Intent,
  seen = new Set<ServiceName>(),
): ServiceName[] {
  const direct = intent.services[name]?.dependsOn ?? [];
  return direct.flatMap((needed) => {
    if (names.includes(needed)) return [needed];
    if (seen.has(needed)) return [];
    seen.add(needed);
    return needs(needed, names, intent, seen);
  });
}
