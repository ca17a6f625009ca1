// Who carries how much of a service at this moment, with the names that people use.
import type { Frame, Percent, RevisionId } from "../../../src/domain/frame.ts";
import { replicasFor, wholly } from "../../../src/domain/frame.ts";
import { revisionName, versionName } from "../../../src/domain/name.ts";
import type { ServiceName } from "../../../src/domain/plan.ts";
import { framesOf } from "../../../src/domain/progress.ts";
import type { Run } from "../../../src/domain/run.ts";
import { type Deployment, type Journal, newestFirst } from "../journal.ts";
import { waysBack } from "./walk.ts";

export interface Side {
  readonly revision: RevisionId;
  /** "v3" */
  readonly name: string;
  readonly role: "stable" | "candidate";
  readonly traffic: Percent;
  readonly capacity: Percent;
  readonly replicas: number;
}

/** The frame in which a service was last known to stand, as its deployment moves it. */
export function frameNow({ events, run }: Deployment, service: ServiceName): Frame | undefined {
  const planned = run.plan?.services[service];
  if (planned === undefined) return undefined;
  if (run.phase.kind === "ended") {
    const stands = run.phase.stands[service];
    return stands === undefined ? undefined : wholly(stands);
  }
  const held = framesOf(run, service, planned).held.at(-1) ?? planned.from;
  const way = waysBack(events).get(service);
  return way === undefined || way.reached === 0 ? held : way.path[way.reached - 1];
}

export function sidesOf(
  frame: Frame,
  { run, service, size }: { run: Run; service: ServiceName; size: number },
): readonly Side[] {
  const planned = run.plan?.services[service];
  const order = [planned?.stable, planned?.candidate];
  return Object.entries(frame.revisions)
    .filter(([, share]) => share.capacity > 0 || share.traffic > 0)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([revision, { traffic, capacity }]) => ({
      revision,
      name: revisionName(run, revision),
      role: revision === planned?.candidate && planned.stable !== revision ? "candidate" : "stable",
      traffic,
      capacity,
      replicas: replicasFor(capacity, size),
    }));
}

/** The version that first brought each revision. */
export function broughtBy(journal: Journal): ReadonlyMap<RevisionId, string> {
  const names = new Map<RevisionId, string>();
  for (const { run } of [...newestFirst(journal)].reverse()) {
    for (const { revision } of Object.values(run.intent.services)) {
      if (!names.has(revision)) names.set(revision, versionName(run.release.version));
    }
  }
  return names;
}
