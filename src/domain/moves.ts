// The safe way from one frame to another: grow → shift → shrink, so that traffic never stands on capacity that is not
// there; and the shortest safe way back over the frames that held.
import { type Frame, type RevisionId, type Share, sameFrame, shareOf } from "./frame.ts";

/** Frames to pass through from `from` to `to`, the last being `to`; none when they are the same. */
export function moves(from: Frame, to: Frame): readonly Frame[] {
  const grown: Frame = { revisions: capacities(from, to, (r) => shareOf(from, r).traffic), routes: from.routes };
  const shifted: Frame = { revisions: capacities(from, to, (r) => shareOf(to, r).traffic), routes: to.routes };
  return withoutRepeats(from, [grown, shifted, to]);
}

function capacities(a: Frame, b: Frame, traffic: (revision: RevisionId) => number): Record<RevisionId, Share> {
  const names = new Set([...Object.keys(a.revisions), ...Object.keys(b.revisions)]);
  const shares = [...names].map((name): [RevisionId, Share] => [
    name,
    { capacity: Math.max(shareOf(a, name).capacity, shareOf(b, name).capacity), traffic: traffic(name) },
  ]);
  return Object.fromEntries(shares.filter(([, share]) => share.capacity > 0 || share.traffic > 0));
}

/** True when the capacity that is surely there carries the traffic asked for, less the declared unavailability (0 to 100). */
export function bears(capacity: Frame, traffic: Frame, unavailable = 0): boolean {
  const allowed = 1 - unavailable / 100;
  return Object.entries(traffic.revisions).every(
    ([revision, share]) => shareOf(capacity, revision).capacity >= share.traffic * allowed - 0.01,
  );
}

/**
 * The way back to `held[0]`. `held` are the frames that were reached, oldest first; `asked` is the one being asked for,
 * of which nothing is known. Goes straight home where the old side still stands at the size it needs; otherwise re-sets
 * the last frame that held and walks back frame by frame.
 */
export function wayBack(held: readonly Frame[], asked: Frame): readonly Frame[] {
  const origin = held[0];
  const last = held.at(-1);
  if (origin === undefined || last === undefined) throw new Error("a way back needs the frame it started from");
  if (held.some(isEmptied) || isEmptied(asked)) return exclusiveWayBack(origin, asked, last);
  const path: Frame[] = [];
  let sure = lesser(last, asked);
  let from = larger(last, asked);
  for (let at = held.length - 1; at >= 0; ) {
    const next = held.findIndex((frame, k) => k <= at && bears(sure, frame));
    const target = next >= 0 ? next : at;
    const goal = held[target] ?? origin;
    if (target > 0 && target === at) {
      path.push(goal, ...moves(goal, held[at - 1] ?? origin));
      at -= 1;
      from = held[at] ?? origin;
    } else {
      path.push(...moves(from, goal));
      if (target === 0) break;
      at = target;
      from = goal;
    }
    sure = from;
  }
  return withoutRepeats(undefined, [...path, origin]);
}

/** A frame that names a revision at nothing waits until it is gone: the two sides must never run together (recreate). */
function isEmptied(frame: Frame): boolean {
  return Object.values(frame.revisions).some((share) => share.capacity === 0);
}

function exclusiveWayBack(origin: Frame, asked: Frame, last: Frame): readonly Frame[] {
  const quiet = (frame: Frame, capacity: (revision: RevisionId) => number): Frame => ({
    revisions: Object.fromEntries(Object.keys(frame.revisions).map((r) => [r, { capacity: capacity(r), traffic: 0 }])),
    routes: [],
  });
  const present = larger(last, asked);
  const emptied: Frame = {
    revisions: Object.fromEntries(
      Object.keys(present.revisions)
        .filter((r) => shareOf(origin, r).capacity === 0)
        .map((r) => [r, { capacity: 0, traffic: 0 }]),
    ),
    routes: [],
  };
  const started = quiet(origin, (r) => shareOf(origin, r).capacity);
  return withoutRepeats(undefined, [quiet(present, (r) => shareOf(present, r).capacity), emptied, started, origin]);
}

function lesser(a: Frame, b: Frame): Frame {
  return { revisions: both(a, b, Math.min), routes: a.routes };
}

/**
 * What may be standing while `b` is asked for after `a`: the larger capacity of each. Of traffic, what held: whether the
 * new weights ever got there is not known, and asking for them now would send a broken candidate more.
 */
function larger(a: Frame, b: Frame): Frame {
  return { revisions: both(b, a, Math.max), routes: a.routes };
}

function both(a: Frame, b: Frame, pick: (x: number, y: number) => number): Record<RevisionId, Share> {
  const names = new Set([...Object.keys(a.revisions), ...Object.keys(b.revisions)]);
  return Object.fromEntries(
    [...names].map((r) => [
      r,
      { capacity: pick(shareOf(a, r).capacity, shareOf(b, r).capacity), traffic: shareOf(b, r).traffic },
    ]),
  );
}

function withoutRepeats(from: Frame | undefined, frames: readonly Frame[]): readonly Frame[] {
  return frames.filter((frame, i) => {
    const before = i === 0 ? from : frames[i - 1];
    return before === undefined || !sameFrame(before, frame);
  });
}
