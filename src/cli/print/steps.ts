// The steps of a deployment as a list: what is done, what goes on, what is to come. The plan, the status and the live
// view all show this list.
import type { Ms } from "../../domain/frame.ts";
import { minutes } from "../../domain/minutes.ts";
import { returnName } from "../../domain/name.ts";
import { tellStep } from "../../domain/phrase.ts";
import type { PlanNode } from "../../domain/plan.ts";
import { activeNodes, isDone } from "../../domain/progress.ts";
import type { Run } from "../../domain/run.ts";
import type { Colors } from "../screen.ts";

export type Mark = "done" | "now" | "to come" | "failed";

export interface StepLine {
  readonly node: PlanNode;
  readonly mark: Mark;
  readonly text: string;
  /** What is beside it: how long is left, what happens if it goes wrong. */
  readonly note: string;
}

export function stepsOf(run: Run, now: Ms): readonly StepLine[] {
  return (run.plan?.nodes ?? []).flatMap((node) =>
    node.steps.map((step, index): StepLine => {
      const mark = markOf(run, node, index);
      const tense = mark === "done" ? "past" : mark === "now" ? "now" : "plan";
      const text = tellStep(run, { node: node.id, step: index }, tense);
      if (mark === "now" && step.kind === "bake") {
        const left = Math.max(0, step.lastsMs - (now - (run.nodes[node.id]?.since ?? now)));
        return { node, mark, text, note: left > 0 ? `${minutes(Math.ceil(left / 1000) * 1000)} to go` : "" };
      }
      const note = mark === "to come" && step.kind === "bake" && step.checks.length > 0 ? ifWorse(run) : "";
      return { node, mark, text, note };
    }),
  );
}

/** The same list before anything has begun. */
export function plannedSteps(run: Run): readonly StepLine[] {
  return (run.plan?.nodes ?? []).flatMap((node) =>
    node.steps.map((step, index): StepLine => {
      const note = step.kind === "bake" && step.checks.length > 0 ? ifWorse(run) : "";
      return { node, mark: "to come", text: tellStep(run, { node: node.id, step: index }, "plan"), note };
    }),
  );
}

function ifWorse(run: Run): string {
  if (run.plan?.onFailure === "hold") return "if worse: holds and asks";
  return run.standingRelease === undefined ? "if worse: it fails" : `if worse: back to ${returnName(run)}`;
}

function markOf(run: Run, node: PlanNode, index: number): Mark {
  const at = run.nodes[node.id]?.step ?? 0;
  if (index < at) return "done";
  if (index > at || isDone(run, node.id)) return "to come";
  if (run.phase.kind === "running") {
    return activeNodes(run).some((active) => active.node.id === node.id) ? "now" : "to come";
  }
  const turned = run.phase.kind === "retreating" || run.phase.kind === "turning" || run.phase.kind === "ended";
  return turned && node.after.every((before) => isDone(run, before)) ? "failed" : "to come";
}

export const signs: Readonly<Record<Mark, string>> = { done: "✓", now: "●", "to come": "○", failed: "✗" };

export function paint(mark: Mark, colors: Colors): (text: string) => string {
  const painted = { done: colors.green, now: colors.cyan, "to come": colors.dim, failed: colors.red };
  return painted[mark];
}
