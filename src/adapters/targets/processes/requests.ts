// What we ask of the host for a frame, and what its answer means: pure.
import { type Frame, type Percent, type RevisionId, replicasFor } from "../../../domain/frame.ts";
import type { Seen, SeenShare } from "../../../domain/seen.ts";
import type { Fence } from "../../../engine/ports.ts";
import type { DesiredService, ReplicaSpec, SeenService } from "../../../host/api.ts";
import type { TrafficOptions } from "../../../host/table.ts";

/** Where the outside finds the service, and how the router treats its requests. The same for all its revisions. */
export type Placement = Pick<DesiredService, "ingress" | "entry" | "buffer"> & {
  readonly traffic?: TrafficOptions;
  /** Share of the reads that the newest revision gets copies of while another stands beside it. */
  readonly mirrorPercent?: Percent;
};

export interface Wanted {
  readonly frame: Frame;
  readonly size: number;
  readonly fence: Fence;
  readonly specs: ReadonlyMap<RevisionId, ReplicaSpec>;
  readonly placement: Placement;
}

/** A revision at no capacity is not named: the host drains, stops and forgets it. */
export function desiredService({ frame, size, fence, specs, placement }: Wanted): DesiredService {
  const revisions = Object.entries(frame.revisions).flatMap(([revision, { capacity, traffic }]) => {
    const spec = specs.get(revision);
    if (capacity === 0) return [];
    if (spec === undefined) throw new Error(`${revision} was not published`);
    return [[revision, { spec, replicas: replicasFor(capacity, size), weight: traffic }] as const];
  });
  const named = new Set(revisions.map(([revision]) => revision));
  const { mirrorPercent = 0, traffic, ...places } = placement;
  const [newest] = revisions.at(-1) ?? [];
  const isMirrored = mirrorPercent > 0 && revisions.length > 1 && newest !== undefined;
  return {
    fence,
    revisions: Object.fromEntries(revisions),
    routes: frame.routes.filter((route) => named.has(route.to)),
    ...places,
    traffic: { ...traffic, ...(isMirrored ? { mirror: { to: newest, percent: mirrorPercent } } : {}) },
  };
}

export function seenOf(answer: SeenService | undefined): Seen {
  const revisions = Object.entries(answer?.revisions ?? {}).map(
    ([revision, { weight, ready, replicas, ...rest }]): [string, SeenShare] => {
      const running = replicas.filter((replica) => replica.state !== "exited").length;
      const { broken, failing } = rest;
      const why = broken === undefined ? {} : { broken, ...(failing === undefined ? {} : { failing }) };
      return [revision, { ready, running, traffic: weight, ...why }];
    },
  );
  return {
    revisions: Object.fromEntries(
      revisions.filter(([, share]) => share.running > 0 || share.traffic > 0 || share.broken),
    ),
  };
}
