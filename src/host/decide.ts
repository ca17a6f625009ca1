// What one service needs next, as a pure function of what is asked and what is seen. The swap order lives here: what is
// new must be ready and shown by the router to serve before anything that serves may leave.
import type { Ms, Percent, RevisionId } from "../domain/frame.ts";
import type { DesiredService, ReplicaState } from "./api.ts";
import type { RoutedRevision, RoutedService } from "./table.ts";

/** When a service is removed. */
const drainSpreadMsLast: Ms = 3_000;

export interface ReplicaView {
  readonly id: string;
  readonly revision: RevisionId;
  readonly slot: number;
  readonly state: ReplicaState;
  readonly port: number;
}

export interface Decision {
  readonly start: readonly { readonly revision: RevisionId; readonly slot: number }[];
  readonly route: RoutedService;
  /** To be taken out of service once the router reports `route` as in force. */
  readonly leave: readonly string[];
}

/** `inForce`: what the router last confirmed for this service. */
export function decide(
  desired: DesiredService,
  replicas: readonly ReplicaView[],
  inForce: RoutedService | undefined,
): Decision {
  const kept = replicas.filter((replica) => isStaying(replica.state));
  const surplus = surplusOf(desired, kept);
  const serving = surplus.filter(({ state, revision }) => state === "ready" && weightIn(inForce, revision) > 0);
  const isBorne = canBearWithout(serving.length, desired, kept, new Set(surplus.map(({ id }) => id)));
  const leave = new Set(surplus.filter((replica) => isBorne || !serving.includes(replica)).map(({ id }) => id));
  const able = kept.filter((replica) => replica.state === "ready" && !leave.has(replica.id));
  return { start: missingOf(desired, kept), route: routeOf(desired, able, isBorne), leave: [...leave] };
}

/**
 * May those that serve and are to go leave now? Yes when the service is to be dark, when all that was asked for is ready,
 * or when what is ready of it is no fewer than what leaves: one missing replica of the old side must not hold up a retreat.
 */
function canBearWithout(
  leaving: number,
  desired: DesiredService,
  kept: readonly ReplicaView[],
  surplus: ReadonlySet<string>,
): boolean {
  const weighted = Object.entries(desired.revisions).filter(([, { weight }]) => weight > 0);
  const staying = kept.filter(({ id }) => !surplus.has(id));
  const ready = weighted.map(([name, { replicas }]) => ({ wanted: replicas, ready: readyOf(staying, name) }));
  if (ready.some((side) => side.ready === 0)) return false;
  const sum = ready.reduce((total, side) => total + side.ready, 0);
  return ready.every((side) => side.ready >= side.wanted) || sum >= leaving;
}

function weightIn(route: RoutedService | undefined, revision: RevisionId): Percent {
  return route?.revisions[revision]?.weight ?? 0;
}

function isStaying(state: ReplicaState): boolean {
  return state !== "draining" && state !== "stopping" && state !== "exited";
}

function missingOf(desired: DesiredService, kept: readonly ReplicaView[]): Decision["start"] {
  return Object.entries(desired.revisions).flatMap(([revision, { replicas: wanted }]) => {
    const mine = kept.filter((replica) => replica.revision === revision);
    const taken = new Set(mine.map((replica) => replica.slot));
    const free = Array.from({ length: wanted + taken.size }, (_, i) => i + 1).filter((slot) => !taken.has(slot));
    return free.slice(0, Math.max(0, wanted - mine.length)).map((slot) => ({ revision, slot }));
  });
}

/** Those that are not ready go first, then the youngest slots. */
function surplusOf(desired: DesiredService, kept: readonly ReplicaView[]): readonly ReplicaView[] {
  const revisions = new Set(kept.map((replica) => replica.revision));
  return [...revisions].flatMap((revision) => {
    const mine = kept
      .filter((replica) => replica.revision === revision)
      .sort((a, b) => Number(b.state === "ready") - Number(a.state === "ready") || a.slot - b.slot);
    return mine.slice(desired.revisions[revision]?.replicas ?? 0);
  });
}

function readyOf(replicas: readonly ReplicaView[], revision: RevisionId): number {
  return replicas.filter((replica) => replica.revision === revision && replica.state === "ready").length;
}

/**
 * The weights that were asked for, as far as ready replicas bear them. While what is to go must still serve, everything
 * ready serves in proportion. When no weighted revision is ready, traffic goes to what is, even if it waits at 0.
 */
function routeOf(desired: DesiredService, able: readonly ReplicaView[], isBorne: boolean): RoutedService {
  const weights = weightsOf(desired, able, isBorne);
  const names = new Set([...Object.keys(desired.revisions), ...able.map((replica) => replica.revision)]);
  const revisions: Record<RevisionId, RoutedRevision> = {};
  for (const revision of [...names].sort())
    revisions[revision] = {
      weight: weights[revision] ?? 0,
      replicas: able.filter((replica) => replica.revision === revision).map(({ id, port }) => ({ id, port })),
    };
  const { routes, buffer, traffic } = desired;
  return { revisions, routes, buffer, ...traffic, drainSpreadMs: drainSpreadOf(desired) };
}

/** Long-lived connections must have ended, calmly, before the drain's time is over. */
function drainSpreadOf(desired: DesiredService): Ms {
  const drains = Object.values(desired.revisions).map(({ spec }) => spec.drainTimeoutMs);
  return drains.length === 0 ? drainSpreadMsLast : 0.8 * Math.min(...drains);
}

function weightsOf(
  desired: DesiredService,
  able: readonly ReplicaView[],
  isBorne: boolean,
): Readonly<Record<RevisionId, Percent>> {
  const asked = Object.entries(desired.revisions).filter(([, { weight }]) => weight > 0);
  if (asked.length === 0) return {};
  const isLeaving = (replica: ReplicaView) => desired.revisions[replica.revision] === undefined;
  if (!isBorne && able.some(isLeaving))
    return byReadiness(
      able.filter((replica) => isLeaving(replica) || asked.some(([name]) => name === replica.revision)),
    );
  const ready = asked.filter(([name]) => readyOf(able, name) > 0);
  if (ready.length > 0) return rescaled(ready.map(([name, { weight }]) => [name, weight]));
  return able.length > 0 ? byReadiness(able) : Object.fromEntries(asked.map(([name, { weight }]) => [name, weight]));
}

function byReadiness(able: readonly ReplicaView[]): Readonly<Record<RevisionId, Percent>> {
  const names = [...new Set(able.map((replica) => replica.revision))].sort();
  return rescaled(names.map((name) => [name, readyOf(able, name)]));
}

/** To a sum of 100. */
function rescaled(shares: readonly (readonly [RevisionId, number])[]): Readonly<Record<RevisionId, Percent>> {
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  return Object.fromEntries(shares.map(([name, share]) => [name, sum === 100 ? share : (share * 100) / sum]));
}
