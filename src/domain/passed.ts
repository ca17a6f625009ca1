// A deployment that failed is tried again from where it failed: what it had passed while the same stood is not asked for
// again. Services are moved to where they were in one safe move, and the plan goes on from there.
import { canonical } from "./canonical.ts";
import type { NodeId, Passed, Plan, PlanNode, Standing } from "./plan.ts";
import { sets } from "./rollout.ts";
import type { Run } from "./run.ts";

/** Where a run had come to when it turned back: for each node the first step that was not done. */
export function passedBy(run: Run): Passed {
  const steps = (run.plan?.nodes ?? []).map((node): [NodeId, number] => [node.id, run.nodes[node.id]?.step ?? 0]);
  return { stands: run.stands ?? {}, steps: Object.fromEntries(steps) };
}

/** The whole plan where something else stands now: evidence against another opponent counts for nothing. */
export function startingAt(
  passed: Passed,
  { nodes, services, stands }: Pick<Plan, "nodes" | "services"> & { readonly stands: Standing },
): readonly PlanNode[] {
  if (canonical(passed.stands) !== canonical(stands)) return nodes;
  return nodes.map((node) => {
    const first = Math.min(passed.steps[node.id] ?? 0, node.steps.length);
    const reached = node.steps.slice(0, first).findLast((step) => step.kind === "set");
    const service = services[node.service ?? ""];
    const there =
      reached === undefined || service === undefined
        ? []
        : sets(fromOf(node, nodes, service.from), reached.frame, service.withinMs);
    return { ...node, steps: [...there, ...node.steps.slice(first)] };
  });
}

/** A service's second node (the going of its old side) begins where its first one ends. */
function fromOf(node: PlanNode, nodes: readonly PlanNode[], home: Plan["services"][string]["from"]) {
  const before = nodes.slice(0, nodes.indexOf(node)).filter((other) => other.service === node.service);
  return before.flatMap(({ steps }) => steps).findLast((step) => step.kind === "set")?.frame ?? home;
}
