// What each kind of fact changes in the state of a deployment.
import type { At, Cause, Fact, FactOf } from "./event.ts";
import type { Ms } from "./frame.ts";
import type { NodeId } from "./plan.ts";
import { isOpen, isWaiting } from "./progress.ts";
import type { Hold, NodeRun, Phase, Run, Walk } from "./run.ts";

type Changes = { [K in Fact["kind"]]: (run: Run, fact: FactOf<K>, at: Ms) => Partial<Run> };

export function changeBy(fact: Fact, run: Run, at: Ms): Partial<Run> {
  return (changes[fact.kind] as (run: Run, fact: Fact, at: Ms) => Partial<Run>)(run, fact, at);
}

const changes: Changes = {
  requested: () => ({}),
  planned: (_run, fact, at) => ({
    plan: fact.plan,
    stands: fact.stands,
    ...(fact.standingRelease === undefined ? {} : { standingRelease: fact.standingRelease }),
    ...(fact.standingReleases === undefined ? {} : { standingReleases: fact.standingReleases }),
    plannedAt: at,
    phase: { kind: "running" },
    nodes: Object.fromEntries(fact.plan.nodes.map((node) => [node.id, fresh(at)])),
  }),
  "job started": (run, fact) => onNode(run, fact.node, (node) => ({ ...node, attempt: fact.attempt })),
  "step done": (run, fact, at) => ({
    ...(run.hold?.node === fact.node ? { hold: undefined } : {}),
    nodes: startDependents(run, fact.node, fact.step, at),
  }),
  "step failed": (run, fact) => turning(run, { kind: "step failed", because: fact.because }, fact),
  judged: (run, fact) => ({
    ...onNode(run, fact.node, (node) => ({
      ...node,
      judged: { verdict: fact.verdict, because: fact.because, findings: fact.findings },
    })),
    ...(fact.verdict === "watching" || fact.verdict === "hold" ? { hold: released(run, fact) } : {}),
    ...(fact.verdict === "fail" ? turning(run, { kind: "verdict", because: fact.because }, fact) : {}),
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
  "walked back": (run, fact, at) => ({
    phase: walked(run.phase, fact, at),
    givenUp: mapOne(run.givenUp, fact.service, (given) => ({ ...given, walk: moved(given.walk, fact, at) })),
  }),
  "given up": (run, fact, at) => ({
    phase: { kind: "running" },
    nodes: beginAfter(run, run.nodes, { service: fact.service, at }),
    givenUp: {
      ...run.givenUp,
      [fact.service]: { because: fact.because, walk: { path: fact.path, index: 0, since: at } },
    },
  }),
  "budget spent": (run, fact) => ({
    ...turning(run, { kind: "budget spent", because: budgetWords(fact), service: fact.service }),
    withdrawn: [...run.withdrawn, fact.service],
  }),
  paused: (_run, fact, at) => ({
    paused: { by: fact.by, at, ...(fact.reason === undefined ? {} : { reason: fact.reason }) },
  }),
  unpaused: (run, _fact, at) => ({
    ...later(run, run.paused === undefined ? 0 : at - run.paused.at, at),
    paused: undefined,
  }),
  promoted: (run, fact, at) => ({
    hold: undefined,
    paused: undefined,
    nodes: promotedNodes(run, at),
    ...goingOn,
    ...(fact.full ? { full: { by: fact.by } } : {}),
  }),
  "abort asked": (run, fact) => turning(run, { kind: "aborted", because: fact.reason, by: fact.by }),
  superseded: (run, fact) => turning(run, { kind: "superseded", because: `${fact.by} takes its place` }),
  retried: (run, _fact, at) => ({
    ...goingOn,
    hold: undefined,
    phase: retriedPhase(run, at),
    nodes: mapNodes(run, (node) => ({ ...withoutJudgement(node), since: at, attempt: node.attempt + 1 })),
  }),
  resumed: (run, fact, at) => ({ ...later(run, fact.gapMs, at), resumedAt: at }),
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
  triggered: (_run, { condition, because, findings, asks }, at) => ({
    aftermath: { at, condition, because, findings, asks },
  }),
  "return asked": (run, fact) =>
    run.aftermath === undefined ? {} : { aftermath: { ...run.aftermath, deployment: fact.deployment } },
  "return refused": (run, fact) =>
    run.aftermath === undefined ? {} : { aftermath: { ...run.aftermath, refused: fact.because } },
};

/** A person's word to go on: what was withdrawn is given its traffic again, and budgets bind no more. */
const goingOn = { withdrawn: [], isUnbounded: true } as const;

function budgetWords({ service, of, counted, limit }: FactOf<"budget spent">): string {
  return `${service}: ${counted} ${of} have seen the unproven release, and at most ${limit} may`;
}

function fresh(since: Ms): NodeRun {
  return { step: 0, since, attempt: 0, approvals: [] };
}

function withoutJudgement({ judged: _, ...node }: NodeRun): NodeRun {
  return node;
}

/** A retreat in progress is not turned again: the first cause decides the outcome. */
function turning(run: Run, cause: Cause, at?: At): Partial<Run> {
  if (run.phase.kind === "retreating" || run.phase.kind === "ended") return {};
  const where = at === undefined ? {} : { at: { node: at.node, step: at.step } };
  return { hold: undefined, phase: { kind: "turning", cause, ...where } };
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
  return begin(run, moved, { after: [id], at });
}

/** Nodes that waited for a service that was given up begin their patience now. */
function beginAfter(run: Run, nodes: Run["nodes"], { service, at }: { service: string; at: Ms }): Run["nodes"] {
  const after = (run.plan?.nodes ?? []).filter((node) => node.service === service).map(({ id }) => id);
  return begin(run, nodes, { after, at });
}

function begin(run: Run, nodes: Run["nodes"], { after, at }: { after: readonly NodeId[]; at: Ms }): Run["nodes"] {
  const waiting = (run.plan?.nodes ?? []).filter((node) => node.after.some((id) => after.includes(id)));
  const begun = waiting.map(({ id }): [NodeId, NodeRun] => [id, { ...(nodes[id] ?? fresh(at)), since: at }]);
  return { ...nodes, ...Object.fromEntries(begun) };
}

/** Time in which nobody looked, or that a person took, uses up no patience; what began meanwhile begins now. */
function later(run: Run, gapMs: Ms, now: Ms): Partial<Run> {
  const shifted = (since: Ms) => Math.max(since, Math.min(since + gapMs, now));
  const postponed = <T extends { readonly since: Ms }>(state: T): T => ({ ...state, since: shifted(state.since) });
  return {
    nodes: mapNodes(run, postponed),
    hold: run.hold === undefined ? undefined : postponed(run.hold),
    ...(run.plannedAt === undefined ? {} : { plannedAt: shifted(run.plannedAt) }),
    ...(run.phase.kind === "retreating" ? { phase: laterWalks(run.phase, postponed) } : {}),
  };
}

function walked(phase: Phase, fact: FactOf<"walked back">, at: Ms): Phase {
  if (phase.kind !== "retreating") return phase;
  return { ...phase, walks: mapOne(phase.walks, fact.service, (walk) => moved(walk, fact, at)) };
}

function moved(walk: Walk, { index }: FactOf<"walked back">, at: Ms): Walk {
  return { ...walk, index: index + 1, since: at };
}

function mapOne<T>(all: Readonly<Record<string, T>>, key: string, edit: (one: T) => T): Readonly<Record<string, T>> {
  const one = all[key];
  return one === undefined ? all : { ...all, [key]: edit(one) };
}

function laterWalks(phase: Extract<Phase, { kind: "retreating" }>, postponed: (walk: Walk) => Walk): Phase {
  const walks = Object.entries(phase.walks).map(([s, walk]) => [s, postponed(walk)]);
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
