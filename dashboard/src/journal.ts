// What the page knows: every deployment's events and their fold, kept by the same functions as the engine's.
import type { DeploymentId, Event } from "../../src/domain/event.ts";
import { fold, type Run } from "../../src/domain/run.ts";

export interface Deployment {
  readonly events: readonly Event[];
  readonly run: Run;
}

export interface Journal {
  readonly deployments: ReadonlyMap<DeploymentId, Deployment>;
  /** Sequence number of the last event seen: where to go on reading. */
  readonly seq: number;
}

export const emptyJournal: Journal = { deployments: new Map(), seq: 0 };

/** Takes events in order; one that was seen already changes nothing, so a stream may be read again from anywhere. */
export function withEvents(journal: Journal, events: readonly Event[]): Journal {
  const deployments = new Map(journal.deployments);
  for (const event of events) {
    const known = deployments.get(event.deployment);
    if (event.position !== (known?.run.position ?? 0)) continue;
    const run = fold([event], known?.run);
    if (run !== undefined) deployments.set(event.deployment, { events: [...(known?.events ?? []), event], run });
  }
  return { deployments, seq: events.reduce((last, event) => Math.max(last, event.seq), journal.seq) };
}

/** Newest request first. */
export function newestFirst(journal: Journal): readonly Deployment[] {
  return [...journal.deployments.values()].sort((a, b) => seqOfRequest(b) - seqOfRequest(a));
}

function seqOfRequest({ events }: Deployment): number {
  return events[0]?.seq ?? 0;
}
