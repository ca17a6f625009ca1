// One revision of a service as the router runs it: its replicas, and the choice of one.
import type { Ms, Percent, RevisionId } from "../../domain/frame.ts";
import type { RoutedRevision, SeenRevisionRouting, TrafficOptions } from "../table.ts";
import { Replica } from "./replica.ts";

const panicPercentDefault = 50;
const drainSpreadMsDefault = 3_000;

export class Revision {
  readonly id: RevisionId;
  /** Tells clients, tests and load generators who answered. */
  readonly stamp: string;
  weight = 0;
  /** Of the smooth round robin: what it is owed. */
  owed = 0;
  replicas: readonly Replica[] = [];
  leaving: readonly Replica[] = [];
  slowStartMs: Ms = 0;
  panicPercent: Percent = panicPercentDefault;
  private turn = 0;

  constructor(id: RevisionId) {
    this.id = id;
    this.stamp = `x-sluice-revision: ${id}\r\n`;
  }

  /** Takes over a table's part; gives the replicas that left. */
  apply(routed: RoutedRevision | undefined, o: { options: TrafficOptions; nowMs: Ms }): readonly Replica[] {
    this.weight = routed?.weight ?? 0;
    this.slowStartMs = o.options.slowStartMs ?? 0;
    this.panicPercent = o.options.ejection?.panicPercent ?? panicPercentDefault;
    // One that comes back before its requests ended is the same one: what is in flight on it goes on being counted.
    const known = [...this.replicas, ...this.leaving];
    const kept = (routed?.replicas ?? []).map(
      (w) => known.find((r) => r.id === w.id && r.port === w.port) ?? new Replica(w, o.nowMs),
    );
    const gone = this.replicas.filter((r) => !kept.includes(r));
    for (const replica of gone) replica.leave(o.options.drainSpreadMs ?? drainSpreadMsDefault);
    for (const replica of kept) replica.isDraining = false;
    this.leaving = [...this.leaving.filter((r) => !kept.includes(r)), ...gone];
    this.replicas = kept;
    return gone;
  }

  get inFlight(): number {
    return [...this.replicas, ...this.leaving].reduce((sum, r) => sum + r.inFlight, 0);
  }

  /** The less loaded of two, the pairs taken in turns; `avoid` only if there is no other. */
  leastLoaded(nowMs: Ms, avoid: Replica | undefined): Replica | undefined {
    const n = this.replicas.length;
    let best: Replica | undefined;
    let seen = 0;
    this.turn = (this.turn + 1) % Math.max(n, 1);
    const isPanic = this.ejected(nowMs) * 100 > this.panicPercent * n;
    for (let i = 0; i < n && seen < 2; i++) {
      const replica = this.replicas[(this.turn + i) % n];
      if (!replica || replica === avoid || !(isPanic ? replica.isReachable(nowMs) : replica.isUsable(nowMs))) continue;
      if (n > 1 && replica.isWarming(nowMs, this.slowStartMs)) {
        best ??= replica;
        continue;
      }
      if (seen++ === 0 || !best || replica.inFlight < best.inFlight) best = replica;
    }
    return best ?? (avoid?.isReachable(nowMs) && this.replicas.includes(avoid) ? avoid : undefined);
  }

  /** When too many are ejected, something else is wrong: all get their share again (the panic threshold). */
  private ejected(nowMs: Ms): number {
    let n = 0;
    for (const replica of this.replicas) if (replica.isEjected(nowMs)) n++;
    return n;
  }

  seen(nowMs: Ms): SeenRevisionRouting {
    return {
      weight: this.weight,
      ready: this.replicas.filter((r) => r.isUsable(nowMs)).length,
      inFlight: this.inFlight,
      replicas: Object.fromEntries(
        [...this.leaving, ...this.replicas].map((r) => [
          r.id,
          { inFlight: r.inFlight, draining: r.isDraining, ejected: r.isEjected(nowMs) },
        ]),
      ),
    };
  }
}
