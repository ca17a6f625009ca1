// The way back of a deployment, kept after it has ended: the fold forgets it then, the page still draws it.
import type { Event } from "../../../src/domain/event.ts";
import type { Frame } from "../../../src/domain/frame.ts";
import type { ServiceName } from "../../../src/domain/plan.ts";

export interface WayBack {
  readonly path: readonly Frame[];
  /** Frames of the path that were reached. */
  readonly reached: number;
}

export function waysBack(events: readonly Event[]): ReadonlyMap<ServiceName, WayBack> {
  const ways = new Map<ServiceName, WayBack>();
  for (const { fact } of events) {
    if (fact.kind === "retreat") {
      for (const [service, path] of Object.entries(fact.paths)) ways.set(service, { path, reached: 0 });
    } else if (fact.kind === "walked back") {
      const way = ways.get(fact.service);
      if (way !== undefined) ways.set(fact.service, { ...way, reached: fact.index + 1 });
    }
  }
  return ways;
}
