// A plan as the page draws it: waves from left to right, a lane of cells for each service, and beneath a lane the way
// back, running the other way.
import type { At, Event } from "../../../src/domain/event.ts";
import type { Frame, Ms } from "../../../src/domain/frame.ts";
import { revisionName } from "../../../src/domain/name.ts";
import { frameBefore, tellMove, tellStep } from "../../../src/domain/phrase.ts";
import type { PlanNode, Step } from "../../../src/domain/plan.ts";
import { activeNodes } from "../../../src/domain/progress.ts";
import type { Run } from "../../../src/domain/run.ts";
import type { Deployment } from "../journal.ts";
import { type WayBack, waysBack } from "./walk.ts";

type CellState = "done" | "skipped" | "now" | "failed" | "to come" | "never";

export interface Cell {
  readonly at: At;
  readonly step: Step;
  readonly state: CellState;
  /** What the service stands in during this step; for a set, what it moves to. */
  readonly frame: Frame;
  readonly phrase: string;
  readonly doneAt?: Ms;
}

export interface BackCell {
  readonly frame: Frame;
  readonly state: "done" | "now" | "to come" | "never";
  readonly phrase: string;
  /** Column of the lane under which it is drawn. */
  readonly column: number;
}

export interface Lane {
  readonly node: PlanNode;
  readonly cells: readonly Cell[];
  /** Nearest first: drawn from right to left. */
  readonly back: readonly BackCell[];
}

export interface Wave {
  readonly title: string;
  readonly lanes: readonly Lane[];
}

export function strip({ events, run }: Deployment): readonly Wave[] {
  const nodes = run.plan?.nodes ?? [];
  const depths = depthsOf(nodes);
  const turned = turningLanes(run, waysBack(events));
  const facts = stepFacts(events);
  const lanes = nodes.map((node): Lane => {
    const cells = node.steps.map((step, index) => cell(run, { node, step, index }, facts));
    const way = turned.get(node.id);
    return { node, cells, back: way === undefined ? [] : backCells(run, node, way) };
  });
  const last = Math.max(-1, ...depths.values());
  const waves = Array.from({ length: last + 1 }, (_, depth) =>
    lanes.filter((lane) => depths.get(lane.node.id) === depth),
  );
  const many = waves.filter((wave) => wave.some(isRollout)).length > 1;
  return waves.map((wave, i) => ({ title: titleOf(wave, many ? i + 1 : undefined), lanes: wave }));
}

function isRollout({ node }: Lane): boolean {
  return node.service === node.id;
}

function titleOf(wave: readonly Lane[], number: number | undefined): string {
  if (wave.some(isRollout)) return number === undefined ? "Rollout" : `Wave ${number}`;
  return wave.some(({ node }) => node.service === undefined) ? "Verify" : "Let the old side go";
}

function depthsOf(nodes: readonly PlanNode[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const node of nodes) {
    depths.set(node.id, node.after.length === 0 ? 0 : 1 + Math.max(...node.after.map((id) => depths.get(id) ?? 0)));
  }
  return depths;
}

interface StepFacts {
  readonly doneAt: ReadonlyMap<string, Ms>;
  readonly skipped: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
}

function stepFacts(events: readonly Event[]): StepFacts {
  const doneAt = new Map<string, Ms>();
  const skipped = new Set<string>();
  let failed = new Set<string>();
  for (const { fact, at } of events) {
    if (fact.kind === "step done") {
      doneAt.set(keyOf(fact), at);
      if (fact.note?.startsWith("skipped") === true) skipped.add(keyOf(fact));
    }
    if (fact.kind === "step failed" || (fact.kind === "judged" && fact.verdict === "fail")) failed.add(keyOf(fact));
    if (fact.kind === "refused") failed.add(keyOf(fact));
    if (fact.kind === "retried") failed = new Set();
  }
  return { doneAt, skipped, failed };
}

export function keyOf({ node, step }: At): string {
  return `${node} ${step}`;
}

function cell(run: Run, { node, step, index }: { node: PlanNode; step: Step; index: number }, facts: StepFacts): Cell {
  const at = { node: node.id, step: index };
  const state = stateOf(run, at, facts);
  const doneAt = facts.doneAt.get(keyOf(at));
  return {
    at,
    step,
    state,
    frame: step.kind === "set" ? step.frame : frameBefore(run, at),
    phrase: tellStep(run, at, state === "done" ? "past" : state === "now" ? "now" : "plan"),
    ...(doneAt === undefined ? {} : { doneAt }),
  };
}

function stateOf(run: Run, at: At, facts: StepFacts): CellState {
  const reached = run.nodes[at.node]?.step ?? 0;
  if (facts.failed.has(keyOf(at))) return "failed";
  if (at.step < reached) return facts.skipped.has(keyOf(at)) || !facts.doneAt.has(keyOf(at)) ? "skipped" : "done";
  if (run.phase.kind !== "running") return run.phase.kind === "queued" ? "to come" : "never";
  return activeNodes(run).some(({ node, index }) => node.id === at.node && index === at.step) ? "now" : "to come";
}

/** The lane in which each service turned: the last of its nodes that was under way. */
function turningLanes(run: Run, ways: ReadonlyMap<string, WayBack>): ReadonlyMap<string, WayBack> {
  const active = new Set(activeNodes(run).map(({ node }) => node.id));
  return new Map(
    [...ways].flatMap(([service, way]) => {
      const own = (run.plan?.nodes ?? []).filter((node) => node.service === service);
      const under = own.findLast((node) => (run.nodes[node.id]?.step ?? 0) > 0 || active.has(node.id)) ?? own[0];
      return under === undefined ? [] : [[under.id, way] as const];
    }),
  );
}

function backCells(run: Run, node: PlanNode, way: WayBack): readonly BackCell[] {
  const service = run.plan?.services[node.service ?? ""];
  const from = Math.min(run.nodes[node.id]?.step ?? 0, node.steps.length - 1);
  const first = Math.max(from, way.path.length - 1);
  const isWalking = run.phase.kind === "retreating";
  return way.path.map((frame, i) => {
    const state = i < way.reached ? "done" : isWalking ? (i === way.reached ? "now" : "to come") : "never";
    const before = way.path[i - 1] ?? frameBefore(run, { node: node.id, step: from });
    const names = { size: service?.size ?? 1, name: (revision: string) => revisionName(run, revision) };
    const tense = state === "done" ? "past" : state === "now" ? "now" : "plan";
    return { frame, state, phrase: tellMove(before, frame, names, tense), column: first - i };
  });
}
