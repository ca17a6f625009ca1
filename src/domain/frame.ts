// A frame says, absolutely, how much of a service each revision carries: "v42 has 10 % capacity and 10 % traffic".
// Applying a frame again is harmless, so an engine may die anywhere and simply run again.

/** Hash of one service's artifact, config and secret versions, readable: "web-3f2a9c1b40de". Immutable. */
export type RevisionId = string;
/** 0 to 100. */
export type Percent = number;
/** Milliseconds: a duration, or a moment since the Unix epoch where the name says `at`. */
export type Ms = number;

export interface Share {
  /** Percent of the service's full size that is kept running. */
  readonly capacity: Percent;
  /** Percent of the service's requests that it is sent. All shares of a frame sum to 100, or to 0 when the service is dark. */
  readonly traffic: Percent;
}

/** Sends the requests that match to one revision, whatever the weights say: previews, testers, allow-lists. */
export interface Route {
  readonly match:
    | { readonly host: string }
    | { readonly header: string; readonly value: string }
    | { readonly cookie: string; readonly value: string }
    | { readonly query: string; readonly value: string };
  readonly to: RevisionId;
}

export interface Frame {
  readonly revisions: Readonly<Record<RevisionId, Share>>;
  readonly routes: readonly Route[];
}

const nothing: Share = { capacity: 0, traffic: 0 };

export function shareOf(frame: Frame, revision: RevisionId): Share {
  return frame.revisions[revision] ?? nothing;
}

/** The frame in which one revision is the whole service. */
export function wholly(revision: RevisionId): Frame {
  return { revisions: { [revision]: { capacity: 100, traffic: 100 } }, routes: [] };
}

/** The frame of a service that does not run. */
export const dark: Frame = { revisions: {}, routes: [] };

export function trafficSum(frame: Frame): Percent {
  return Object.values(frame.revisions).reduce((sum, share) => sum + share.traffic, 0);
}

/** Replicas that a share of a service's size comes to: rounded up, so 1 % of two replicas is one. */
export function replicasFor(capacity: Percent, size: number): number {
  return Math.max(0, Math.ceil((capacity * size) / 100 - 1e-9));
}

/** True when both ask for the same shares and routes; a revision at 0/0 is the same as one that is not named. */
export function sameFrame(a: Frame, b: Frame): boolean {
  const names = new Set([...Object.keys(a.revisions), ...Object.keys(b.revisions)]);
  return (
    [...names].every((name) => {
      const [left, right] = [shareOf(a, name), shareOf(b, name)];
      return left.capacity === right.capacity && left.traffic === right.traffic;
    }) && JSON.stringify(a.routes) === JSON.stringify(b.routes)
  );
}
