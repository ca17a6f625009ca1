// What a target reports, and what that says about the frame that was asked for.
import { type Frame, type Percent, type RevisionId, replicasFor, shareOf } from "./frame.ts";

/** One observation of a service, made after the request for it. */
export interface Seen {
  readonly revisions: Readonly<Record<RevisionId, SeenShare>>;
}

export interface SeenShare {
  /** Replicas that may be sent requests. */
  readonly ready: number;
  /** Replicas that run at all, the draining ones too. */
  readonly running: number;
  /** As the router or load balancer reports it back, not as it was asked for. */
  readonly traffic: Percent;
  /** Why it cannot become ready by waiting: a crash loop, an image that is not there. */
  readonly broken?: string;
  /** How many replicas that is said of, where the target can tell. */
  readonly failing?: number;
}

export type Assessment =
  | { readonly kind: "held" }
  | { readonly kind: "waiting"; readonly because: string }
  | { readonly kind: "broken"; readonly because: string };

export interface Asked {
  readonly frame: Frame;
  readonly rely: readonly RevisionId[];
  readonly size: number;
  /** Percent of a side's capacity that the plan allows to be missing while batches change places. */
  readonly unavailable: number;
  /** Percent of the new replicas that may break before the step fails (rolling). */
  readonly failureShare?: number;
}

/** A frame is held when the weights are reported back and all that it relies on is ready. */
export function assess(seen: Seen, asked: Asked): Assessment {
  const broken = asked.rely.find((revision) => isBroken(seen, asked, revision));
  if (broken !== undefined) return { kind: "broken", because: `${broken}: ${seen.revisions[broken]?.broken}` };
  const missing = [...lackOfReplicas(seen, asked), ...leftOver(seen, asked.frame), ...wrongWeights(seen, asked.frame)];
  return missing.length === 0 ? { kind: "held" } : { kind: "waiting", because: missing.join("; ") };
}

/** A few broken replicas are borne where the strategy says so; those that still start are not among them. */
export function isBroken(
  seen: Seen,
  { frame, size, failureShare = 0 }: Pick<Asked, "frame" | "size" | "failureShare">,
  revision: RevisionId,
): boolean {
  const share = seen.revisions[revision];
  if (share?.broken === undefined) return false;
  const wanted = replicasFor(shareOf(frame, revision).capacity, size);
  const failing = share.failing ?? Math.max(0, wanted - share.ready);
  return failureShare === 0 || failing > Math.floor((wanted * failureShare) / 100);
}

function neededOf({ frame, size, failureShare = 0 }: Asked, revision: RevisionId): number {
  const wanted = replicasFor(shareOf(frame, revision).capacity, size);
  return wanted - Math.floor((wanted * failureShare) / 100);
}

function lackOfReplicas(seen: Seen, asked: Asked): string[] {
  return asked.rely.flatMap((revision) => {
    const wanted = neededOf(asked, revision);
    const ready = seen.revisions[revision]?.ready ?? 0;
    return ready >= wanted ? [] : [`${revision} has ${ready} of ${wanted} replicas ready`];
  });
}

/** A revision named at nothing must be gone before the next step: the two sides of a recreate never run together. */
function leftOver(seen: Seen, frame: Frame): string[] {
  return Object.entries(frame.revisions).flatMap(([revision, share]) => {
    const running = seen.revisions[revision]?.running ?? 0;
    return share.capacity > 0 || running === 0 ? [] : [`${revision} still has ${running} replicas running`];
  });
}

function wrongWeights(seen: Seen, frame: Frame): string[] {
  const names = new Set([...Object.keys(frame.revisions), ...Object.keys(seen.revisions)]);
  return [...names].flatMap((revision) => {
    const [wanted, reported] = [shareOf(frame, revision).traffic, seen.revisions[revision]?.traffic ?? 0];
    return Math.abs(wanted - reported) < 0.005
      ? []
      : [`the router reports ${reported} % for ${revision}, not ${wanted} %`];
  });
}

/** Which revision this frame would give more traffic than its ready replicas bear: a move that is never chosen. */
export function overloads(seen: Seen, { frame, size, unavailable, failureShare = 0 }: Asked): RevisionId | undefined {
  return Object.keys(frame.revisions).find((revision) => {
    const [wanted, now] = [shareOf(frame, revision).traffic, seen.revisions[revision]];
    const needed = (wanted / 100) * size * (1 - Math.max(unavailable, failureShare) / 100);
    return wanted > (now?.traffic ?? 0) && (now?.ready ?? 0) < needed - 0.01 * size;
  });
}

/** Drift: whether what is seen is less than, or other than, what stands. Health is not drift; a missing replica is. */
export function hasDrifted(seen: Seen, frame: Frame, size: number): boolean {
  const short = Object.entries(frame.revisions).some(
    ([revision, share]) => (seen.revisions[revision]?.running ?? 0) < replicasFor(share.capacity, size),
  );
  return short || wrongWeights(seen, frame).length > 0;
}
