// The nodes of a plan for one service: its rollout by its strategy, the going of its old side, and the two special ways,
// the return of a drill and the retirement of a service that is in no configuration any more.
import { type Frame, type Ms, type RevisionId, sameFrame, shareOf, wholly } from "./frame.ts";
import { moves } from "./moves.ts";
import type { IntendedService, NodeId, PlanNode, PlannedService, Retiring, ServiceName, Step } from "./plan.ts";
import { milestones, standing } from "./strategy.ts";

export function plannedService(service: IntendedService, stable: RevisionId | undefined): PlannedService {
  const { strategy } = service;
  return {
    ...(stable === undefined ? {} : { stable }),
    candidate: service.revision,
    size: service.size,
    strategy: strategy.kind,
    serves: service.serves,
    unavailable: strategy.kind === "rolling" ? strategy.maxUnavailable : 0,
    ...(strategy.kind === "rolling" && strategy.maxFailureShare > 0 ? { failureShare: strategy.maxFailureShare } : {}),
    from: quiet(standing(stable), service.serves),
    withinMs: service.withinMs,
    ...exposureOf(service, stable),
  };
}

/** Where nothing stood before there is nothing to go back to: whoever asks sees the candidate. */
function exposureOf(
  { strategy, serves }: IntendedService,
  stable: RevisionId | undefined,
): Pick<PlannedService, "exposure"> {
  const { exposure } = strategy.kind === "canary" || strategy.kind === "blueGreen" ? strategy : {};
  return exposure === undefined || !serves || stable === undefined ? {} : { exposure };
}

export function rollout(name: ServiceName, service: IntendedService, stable: RevisionId | undefined): PlanNode {
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
export function settle(node: PlanNode, service: IntendedService, after: readonly NodeId[]): readonly PlanNode[] {
  const last = lastFrame(node);
  const goal = quiet(wholly(service.revision), service.serves);
  if (last === undefined || sameFrame(last, goal)) return [];
  return [{ id: `settle ${node.id}`, service: node.id, after, steps: sets(last, goal, service.withinMs) }];
}

/** A drill's way back: the side that stood has stayed whole, so this is a shift, then the other side goes. */
export function returning(node: PlanNode, service: IntendedService, stable: RevisionId | undefined): PlanNode {
  const home = quiet(standing(stable), service.serves);
  const steps = sets(lastFrame(node) ?? home, home, service.withinMs);
  return { id: `return ${node.id}`, service: node.id, after: [], steps };
}

export function retiringService({ size, serves, withinMs }: Retiring, stable: RevisionId): PlannedService {
  const from = quiet(wholly(stable), serves);
  const common = { size, serves, withinMs, from, unavailable: 0, strategy: "recreate", retires: true } as const;
  return { stable, candidate: stable, ...common };
}

/** No traffic first, then no replicas: named at nothing, so that the step waits until the last one is gone. */
export function retirement(
  name: ServiceName,
  retiring: Retiring | undefined,
  { stable, after }: { readonly stable: RevisionId | undefined; readonly after: readonly NodeId[] },
): readonly PlanNode[] {
  if (retiring === undefined || stable === undefined) return [];
  const quieted: Frame = { revisions: { [stable]: { capacity: 100, traffic: 0 } }, routes: [] };
  const gone: Frame = { revisions: { [stable]: { capacity: 0, traffic: 0 } }, routes: [] };
  const frames = retiring.serves ? [quieted, gone] : [gone];
  const steps = frames.map((frame): Step => ({ kind: "set", frame, rely: [], withinMs: retiring.withinMs }));
  return [{ id: `retire ${name}`, service: name, after, steps }];
}

export function sets(from: Frame, to: Frame, withinMs: Ms): readonly Step[] {
  const frames = moves(from, to);
  return frames.map((frame, i) => ({
    kind: "set",
    frame,
    rely: relied(i === 0 ? from : (frames[i - 1] ?? from), frame),
    withinMs,
  }));
}

function lastFrame({ steps }: PlanNode): Frame | undefined {
  return steps.findLast((step) => step.kind === "set")?.frame;
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
