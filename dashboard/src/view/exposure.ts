// How much of a service's traffic the new version carried, over time: the picture of a whole deployment in one line.
import type { Event } from "../../../src/domain/event.ts";
import { type Frame, type Ms, type Percent, shareOf } from "../../../src/domain/frame.ts";
import type { ServiceName } from "../../../src/domain/plan.ts";
import type { Deployment } from "../journal.ts";

export interface Exposure {
  readonly service: ServiceName;
  /** The share from this moment on. */
  readonly points: readonly { readonly at: Ms; readonly traffic: Percent }[];
}

export interface Mark {
  readonly at: Ms;
  readonly kind: "bad" | "hold" | "end";
  readonly label: string;
}

export function exposures({ events, run }: Deployment): readonly Exposure[] {
  const startAt = events[0]?.at ?? 0;
  const serving = Object.entries(run.plan?.services ?? {}).filter(
    ([name]) => run.intent.services[name]?.serves === true,
  );
  return serving.map(([service, { candidate, from }]) => {
    const moves = events.flatMap((event): readonly { at: Ms; frame: Frame }[] => {
      const frame = reached(event, run.plan?.nodes ?? [], { service, events });
      return frame === undefined ? [] : [{ at: event.at, frame }];
    });
    const points = [{ at: startAt, frame: from }, ...moves].map(({ at, frame }) => ({
      at,
      traffic: shareOf(frame, candidate).traffic,
    }));
    return { service, points: points.filter((point, i) => i === 0 || point.traffic !== points[i - 1]?.traffic) };
  });
}

type Nodes = NonNullable<Deployment["run"]["plan"]>["nodes"];

/** The frame of this service that the event says was reached. */
function reached(
  { fact, position }: Event,
  nodes: Nodes,
  { service, events }: { service: ServiceName; events: readonly Event[] },
): Frame | undefined {
  if (fact.kind === "step done") {
    const node = nodes.find(({ id }) => id === fact.node);
    const step = node?.service === service ? node.steps[fact.step] : undefined;
    return step?.kind === "set" ? step.frame : undefined;
  }
  if (fact.kind !== "walked back" || fact.service !== service) return undefined;
  const retreat = events.findLast((event) => event.position < position && event.fact.kind === "retreat");
  return retreat?.fact.kind === "retreat" ? retreat.fact.paths[service]?.[fact.index] : undefined;
}

export function marks(events: readonly Event[]): readonly Mark[] {
  return events.flatMap(({ fact, at }): readonly Mark[] => {
    if (fact.kind === "judged" && fact.verdict === "fail") return [{ at, kind: "bad", label: "judged worse" }];
    if (fact.kind === "step failed") return [{ at, kind: "bad", label: "step failed" }];
    if (fact.kind === "on hold") return [{ at, kind: "hold", label: "on hold" }];
    if (fact.kind === "abort asked") return [{ at, kind: "bad", label: "aborted" }];
    if (fact.kind === "ended") return [{ at, kind: "end", label: fact.outcome }];
    return [];
  });
}
