// The state of a deployment: a fold over its facts. Everyone folds the same way: engine, server, terminal and browser.
import type { Finding, Stance } from "./check.ts";
import type { At, Cause, DeploymentId, Event, Fact, FactOf, Outcome, ReleaseRef } from "./event.ts";
import type { Frame, Ms } from "./frame.ts";
import type { Intent, NodeId, Plan, PlanNode, ServiceName, Standing, Step } from "./plan.ts";

export interface Run {
  readonly id: DeploymentId;
  readonly environment: string;
  readonly release: ReleaseRef;
  readonly intent: Intent;
  readonly by: string;
  readonly reason?: string;
  readonly rollbackOf?: DeploymentId;
  readonly requestedAt: Ms;
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
  readonly nodes: Readonly<Record<NodeId, NodeRun>>;
  readonly paused: { readonly by: string; readonly at: Ms; readonly reason?: string } | undefined;
  readonly hold: Hold | undefined;
  /** A person promoted it in full: gates that are still to come are skipped. */
  readonly full: { readonly by: string } | undefined;
}

export type Phase =
  | { readonly kind: "queued" }
  | { readonly kind: "running" }
  /** Something failed or somebody said no; the next fact turns back, or holds. */
  | { readonly kind: "turning"; readonly cause: Cause }
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
  const next = run === undefined ? begun(event) : { ...run, ...change(run, event.fact, event.at) };
  if (next === undefined) return undefined;
  return { ...next, position: event.position + 1, seq: event.seq, lastAt: event.at, lastHash: event.hash };
}

function begun(event: Event): Run | undefined {
  if (event.fact.kind !== "requested") return undefined;
  const { environment, release, intent, by, reason, rollbackOf } = event.fact;
  return {
    id: event.deployment,
    environment,
    release,
    intent,
    by,
    ...(reason === undefined ? {} : { reason }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
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
  };
}

type Changes = { [K in Fact["kind"]]: (run: Run, fact: FactOf<K>, at: Ms) => Partial<Run> };

function change(run: Run, fact: Fact, at: Ms): Partial<Run> {
  const changed = (changes[fact.kind] as (run: Run, fact: Fact, at: Ms) => Partial<Run>)(run, fact, at);
  return changed;
}

const changes: Changes = {
  requested: () => ({}),
  planned: (_run, fact, at) => ({
    plan: fact.plan,
    stands: fact.stands,
    ...(fact.standingRelease === undefined ? {} : { standingRelease: fact.standingRelease }),
    phase: { kind: "running" },
    nodes: Object.fromEntries(fact.plan.nodes.map((node) => [node.id, fresh(at)])),
  }),
  "job started": (run, fact) => onNode(run, fact.node, (node) => ({ ...node, attempt: fact.attempt })),
  "step done": (run, fact, at) => ({
    ...(run.hold?.node === fact.node ? { hold: undefined } : {}),
    nodes: startDependents(run, fact.node, fact.step, at),
  }),
  "step failed": (run, fact) => turning(run, { kind: "step failed", because: fact.because }),
  judged: (run, fact) => ({
    ...onNode(run, fact.node, (node) => ({
      ...node,
      judged: { verdict: fact.verdict, because: fact.because, findings: fact.findings },
    })),
    ...(fact.verdict === "watching" || fact.verdict === "hold" ? { hold: released(run, fact) } : {}),
    ...(fact.verdict === "fail" ? turning(run, { kind: "verdict", because: fact.because }) : {}),
  }),
  approved: (run, fact) =>
    onNode(run, fact.node, (node) => ({
      ...node,
      approvals: [...node.approvals.filter((a) => a.by !== fact.by), { by: fact.by, roles: fact.roles }],
    })),
  refused: (run, fact) => turning(run, { kind: "refused", because: fact.because, by: fact.by }),
  "on hold": (run, fact, at) => ({
    phase: { kind: "running" },
    hold: {
      node: fact.node,
      step: fact.step,
      because: fact.because,
      since: at,
      ...(run.phase.kind === "turning" ? { cause: run.phase.cause } : {}),
    },
  }),
  retreat: (_run, fact, at) => ({
    hold: undefined,
    paused: undefined,
    phase: {
      kind: "retreating",
      cause: fact.cause,
      walks: Object.fromEntries(Object.entries(fact.paths).map(([s, path]) => [s, { path, index: 0, since: at }])),
    },
  }),
  "walked back": (run, fact, at) => ({ phase: walked(run.phase, fact, at) }),
  paused: (_run, fact, at) => ({
    paused: { by: fact.by, at, ...(fact.reason === undefined ? {} : { reason: fact.reason }) },
  }),
  unpaused: (run, _fact, at) => ({
    ...later(run, run.paused === undefined ? 0 : at - run.paused.at),
    paused: undefined,
  }),
  promoted: (run, fact, at) => ({
    hold: undefined,
    paused: undefined,
    nodes: promotedNodes(run, at),
    ...(fact.full ? { full: { by: fact.by } } : {}),
  }),
  "abort asked": (run, fact) => turning(run, { kind: "aborted", because: fact.reason, by: fact.by }),
  superseded: (run, fact) => turning(run, { kind: "superseded", because: `${fact.by} takes its place` }),
  retried: (run, _fact, at) => ({
    hold: undefined,
    phase: retriedPhase(run, at),
    nodes: mapNodes(run, (node) => ({ ...withoutJudgement(node), since: at, attempt: node.attempt + 1 })),
  }),
  resumed: (run, fact) => later(run, fact.gapMs),
  ended: (_run, fact, at) => ({
    hold: undefined,
    paused: undefined,
    phase: {
      kind: "ended",
      outcome: fact.outcome,
      ...(fact.because === undefined ? {} : { because: fact.because }),
      at,
      stands: fact.stands,
    },
  }),
};

function fresh(since: Ms): NodeRun {
  return { step: 0, since, attempt: 0, approvals: [] };
}

function withoutJudgement({ judged: _, ...node }: NodeRun): NodeRun {
  return node;
}

/** A retreat in progress is not turned again: the first cause decides the outcome. */
function turning(run: Run, cause: Cause): Partial<Run> {
  return run.phase.kind === "retreating" || run.phase.kind === "ended"
    ? {}
    : { hold: undefined, phase: { kind: "turning", cause } };
}

function onNode(run: Run, id: NodeId, edit: (node: NodeRun) => NodeRun): { nodes: Run["nodes"] } {
  const node = run.nodes[id];
  return { nodes: node === undefined ? run.nodes : { ...run.nodes, [id]: edit(node) } };
}

/** A hold for want of evidence ends when there is evidence again; one that a failure caused waits for a person. */
function released({ hold }: Run, at: At): Hold | undefined {
  return hold?.node === at.node && hold.step === at.step && hold.cause === undefined ? undefined : hold;
}

function mapNodes(run: Run, edit: (node: NodeRun) => NodeRun): Run["nodes"] {
  return Object.fromEntries(Object.entries(run.nodes).map(([id, node]) => [id, edit(node)]));
}

/** Moves a node on; nodes that were waiting for it begin their patience now. */
function startDependents(run: Run, id: NodeId, done: number, at: Ms): Run["nodes"] {
  const moved = onNode(run, id, (node) => ({ ...fresh(at), step: Math.max(node.step, done + 1) })).nodes;
  const waiting = (run.plan?.nodes ?? []).filter((node) => node.after.includes(id)).map((node) => node.id);
  return Object.fromEntries(
    Object.entries(moved).map(([other, node]) => [other, waiting.includes(other) ? { ...node, since: at } : node]),
  );
}

/** Time in which nobody looked, or that a person took, uses up no patience. */
function later(run: Run, gapMs: Ms): Partial<Run> {
  return {
    nodes: mapNodes(run, (node) => ({ ...node, since: node.since + gapMs })),
    hold: run.hold === undefined ? undefined : { ...run.hold, since: run.hold.since + gapMs },
    ...(run.phase.kind === "retreating" ? { phase: laterWalks(run.phase, gapMs) } : {}),
  };
}

function walked(phase: Phase, fact: FactOf<"walked back">, at: Ms): Phase {
  if (phase.kind !== "retreating") return phase;
  const walk = phase.walks[fact.service];
  if (walk === undefined) return phase;
  return { ...phase, walks: { ...phase.walks, [fact.service]: { ...walk, index: fact.index + 1, since: at } } };
}

function laterWalks(phase: Extract<Phase, { kind: "retreating" }>, gapMs: Ms): Phase {
  const walks = Object.entries(phase.walks).map(([s, walk]) => [s, { ...walk, since: walk.since + gapMs }]);
  return { ...phase, walks: Object.fromEntries(walks) };
}

/** `retry` of a run that failed and holds goes on; of one that ended stuck, walks on. */
function retriedPhase(run: Run, at: Ms): Phase {
  if (run.phase.kind !== "retreating") return { kind: "running" };
  const walks = Object.entries(run.phase.walks).map(([s, walk]) => [s, { ...walk, since: at }]);
  return { ...run.phase, walks: Object.fromEntries(walks) };
}

function promotedNodes(run: Run, at: Ms): Run["nodes"] {
  const nodes = (run.plan?.nodes ?? []).map((planned): [NodeId, NodeRun] => {
    const node = run.nodes[planned.id] ?? fresh(at);
    const step = planned.steps[node.step];
    const waits = step !== undefined && isWaiting(step) && isOpen(run, planned);
    return [planned.id, waits ? { ...fresh(at), step: node.step + 1 } : node];
  });
  return Object.fromEntries(nodes);
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
  return planned !== undefined && (run.nodes[id]?.step ?? 0) >= planned.steps.length;
}
