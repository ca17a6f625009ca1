// How far a deployment is: which nodes are done, whose turn it is, which frames each service has held.
import type { Frame } from "./frame.ts";
import type { NodeId, PlanNode, PlannedService, ServiceName, Step } from "./plan.ts";
import type { NodeRun, Run } from "./run.ts";

export interface Active {
  readonly node: PlanNode;
  readonly state: NodeRun;
  readonly index: number;
  readonly step: Step;
}

const active = new WeakMap<Run, readonly Active[]>();

/** Nodes whose turn it is, each at its current step; remembered, for a tick asks for them many times. */
export function activeNodes(run: Run): readonly Active[] {
  const known = active.get(run) ?? findActive(run);
  active.set(run, known);
  return known;
}

function findActive(run: Run): readonly Active[] {
  return (run.plan?.nodes ?? []).flatMap((node) => {
    const state = run.nodes[node.id];
    const step = state === undefined ? undefined : node.steps[state.step];
    return state !== undefined && step !== undefined && isOpen(run, node) && !isGivenUp(run, node)
      ? [{ node, state, index: state.step, step }]
      : [];
  });
}

export interface Frames {
  /** Those that held, oldest first. */
  readonly held: readonly Frame[];
  /** The one that is being asked for; the last held one between sets. */
  readonly asked: Frame;
}

const frames = new WeakMap<Run, Map<ServiceName, Frames>>();

export function framesOf(run: Run, name: ServiceName, service: PlannedService): Frames {
  const ofRun = frames.get(run) ?? new Map<ServiceName, Frames>();
  const known = ofRun.get(name) ?? findFrames(run, name, service);
  frames.set(run, ofRun.set(name, known));
  return known;
}

function findFrames(run: Run, name: ServiceName, service: PlannedService): Frames {
  const nodes = (run.plan?.nodes ?? []).filter((node) => node.service === name);
  const held = [service.from, ...nodes.flatMap((node) => doneFrames(run, node))];
  const current = activeNodes(run).find((node) => node.node.service === name && node.step.kind === "set");
  const last = held.at(-1) ?? service.from;
  return { held, asked: current?.step.kind === "set" ? current.step.frame : last };
}

function doneFrames(run: Run, node: PlanNode): readonly Frame[] {
  return node.steps
    .slice(0, run.nodes[node.id]?.step ?? 0)
    .flatMap((step) => (step.kind === "set" ? [step.frame] : []));
}

/** A step at which a rollout waits for time, evidence or people. */
export function isWaiting(step: Step): boolean {
  return step.kind === "bake" || step.kind === "approve";
}

/** True when everything that this node comes after is done. */
export function isOpen(run: Run, node: PlanNode): boolean {
  return node.after.every((id) => isDone(run, id));
}

export function isDone(run: Run, id: NodeId): boolean {
  const planned = run.plan?.nodes.find((node) => node.id === id);
  if (planned === undefined) return false;
  return (run.nodes[id]?.step ?? 0) >= planned.steps.length || isGivenUp(run, planned);
}

/** Nothing more is done for a service that was given up; the others do not wait for it. */
function isGivenUp(run: Run, { service }: PlanNode): boolean {
  return service !== undefined && run.givenUp[service] !== undefined;
}

/** True when the rollout of a service has gone all its way: its new side has whatever it was to have. */
export function hasMoved(run: Run, service: ServiceName): boolean {
  const own = (run.plan?.nodes ?? []).filter((node) => node.service === service && !node.id.startsWith("settle "));
  return own.every((node) => (run.nodes[node.id]?.step ?? 0) >= node.steps.length);
}

/** How many nodes come before one. */
export function depth(run: Run, id: NodeId): number {
  const node = run.plan?.nodes.find((candidate) => candidate.id === id);
  return node === undefined || node.after.length === 0
    ? 0
    : 1 + Math.max(...node.after.map((before) => depth(run, before)));
}
