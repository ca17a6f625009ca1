// How many may see a candidate that its own gates have not let pass: which services are bound by that just now, and the
// frame in which a candidate has given its traffic back.
import type { Interval } from "./evidence.ts";
import { type Frame, type Ms, type RevisionId, shareOf } from "./frame.ts";
import type { PlannedService, ServiceName } from "./plan.ts";
import { framesOf } from "./progress.ts";
import type { Run } from "./run.ts";

/** Services whose candidate has traffic, or is just being given some, before the last gate of its rollout has passed. */
export function unproven(run: Run): readonly ServiceName[] {
  if (run.phase.kind !== "running" || run.isUnbounded || run.full !== undefined) return [];
  return Object.entries(run.plan?.services ?? {}).flatMap(([name, service]) => {
    if (service.exposure === undefined || run.withdrawn.includes(name)) return [];
    return isSeen(run, name, service) && hasGatesAhead(run, name) ? [name] : [];
  });
}

function isSeen(run: Run, name: ServiceName, service: PlannedService): boolean {
  const { held, asked } = framesOf(run, name, service);
  return [...held.slice(-1), asked].some((frame) => shareOf(frame, service.candidate).traffic > 0);
}

function hasGatesAhead(run: Run, name: ServiceName): boolean {
  const steps = run.plan?.nodes.find(({ id }) => id === name)?.steps ?? [];
  return steps.slice(run.nodes[name]?.step ?? 0).some(({ kind }) => kind !== "set");
}

export interface Counted {
  readonly requests: number;
  /** As many as may have come since the last count, by the rate of the last one. */
  readonly pending: number;
}

/** What the candidate has answered by now, and at most what nobody has counted yet. */
export function countedSoFar(requests: number, last: Interval | undefined, now: Ms): Counted {
  if (last === undefined) return { requests, pending: 0 };
  const lately = requestsOf(last);
  const lengths = Math.ceil((now - last.endMs) / (last.endMs - last.startMs));
  return { requests, pending: lately * Math.max(1, lengths) };
}

export function requestsOf({ candidate }: Interval): number {
  return Object.values(candidate).reduce((sum, { requests }) => sum + requests, 0);
}

/** The same capacity, and stable has all traffic: it is whole as long as the candidate is not proven. */
export function withdrawnFrom(frame: Frame, { stable, candidate }: PlannedService): Frame {
  const shares = Object.entries(frame.revisions).map(([revision, share]): [RevisionId, Frame["revisions"][string]] => {
    const traffic = revision === candidate ? 0 : revision === stable ? 100 : share.traffic;
    return [revision, { ...share, traffic }];
  });
  return { revisions: Object.fromEntries(shares), routes: frame.routes };
}
