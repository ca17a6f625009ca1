// One service as the router runs it: its revisions, the draw between them, and the choice of a replica.
import type { Ms, RevisionId, Route } from "../../domain/frame.ts";
import type { RoutedService, SeenRevisionRouting, SeenRouting } from "../table.ts";
import { fieldValue } from "./field-places.ts";
import { Guard } from "./guard.ts";
import type { RequestHead } from "./head.ts";
import type { Mirrored } from "./mirror.ts";
import { Replica } from "./replica.ts";
import { RetryBudget } from "./retry-budget.ts";
import { Sticky } from "./sticky.ts";
import { Tally } from "./tally.ts";
import { WaitingRoom } from "./waiting-room.ts";

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
  private turn = 0;

  constructor(id: RevisionId) {
    this.id = id;
    this.stamp = `x-sluice-revision: ${id}\r\n`;
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
    const isPanic = this.ejected(nowMs) * 2 > n;
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

  /** When more than half are ejected, something else is wrong: all get their share again (the panic threshold). */
  private ejected(nowMs: Ms): number {
    let n = 0;
    for (const replica of this.replicas) if (replica.isEjected(nowMs)) n++;
    return n;
  }
}

/** What a rule of the service says about a request. */
export interface Wanted {
  readonly to: RevisionId;
  /** A preview host is never answered by another revision; header and cookie rules are a preference. */
  readonly isStrict: boolean;
}

export interface Chosen {
  readonly revision: Revision;
  readonly replica: Replica;
}

export class Service {
  readonly key: string;
  readonly tally: Tally;
  readonly waiting: WaitingRoom;
  /** Requests that got no replica at all. */
  unanswered = 0;
  readonly revisions = new Map<RevisionId, Revision>();
  routed: RoutedService;
  guard: Guard | undefined;
  sticky: Sticky | undefined;
  readonly retries = new RetryBudget();
  readonly mirrored = new Map<RevisionId, Mirrored>();
  private mirrorOwed = 0;
  private drawn: readonly Revision[] = [];

  constructor(key: string, routed: RoutedService, nowMs: Ms) {
    this.key = key;
    this.routed = routed;
    this.tally = new Tally(nowMs);
    this.waiting = new WaitingRoom();
  }

  /** Takes over a new table's part; gives the replicas that left. */
  apply(routed: RoutedService, nowMs: Ms): readonly Replica[] {
    this.routed = routed;
    const left: Replica[] = [];
    for (const [id, revision] of this.revisions) {
      if (routed.revisions[id]) continue;
      revision.weight = 0;
      left.push(...revision.replicas);
      revision.leaving = [...revision.leaving, ...revision.replicas];
      revision.replicas = [];
    }
    const before = this.drawn.map((r) => `${r.id}=${r.weight}`).join();
    for (const [id, wanted] of Object.entries(routed.revisions)) {
      const revision = this.revisions.get(id) ?? new Revision(id);
      this.revisions.set(id, revision);
      revision.weight = wanted.weight;
      revision.slowStartMs = routed.slowStartMs ?? 0;
      // One that comes back before its requests ended is the same one: what is in flight on it goes on being counted.
      const known = [...revision.replicas, ...revision.leaving];
      const kept = wanted.replicas.map(
        (w) => known.find((r) => r.id === w.id && r.port === w.port) ?? new Replica(w, nowMs),
      );
      const gone = revision.replicas.filter((r) => !kept.includes(r));
      left.push(...gone);
      revision.leaving = [...revision.leaving.filter((r) => !kept.includes(r)), ...gone];
      revision.replicas = kept;
      for (const replica of kept) replica.isDraining = false;
    }
    this.drawn = [...this.revisions.values()].filter((r) => r.weight > 0);
    this.guard = Guard.of(routed, this.guard);
    this.sticky = routed.sticky ? new Sticky(routed.sticky, { service: this.key, drawn: this.drawn }) : undefined;
    this.retries.percentMax = routed.retryPercentMax ?? 20;
    if (before !== this.drawn.map((r) => `${r.id}=${r.weight}`).join()) for (const r of this.drawn) r.owed = 0;
    for (const replica of left) replica.isDraining = true;
    return left;
  }

  /** Forgets what has left and has nothing in flight. */
  tidy(): void {
    for (const [id, revision] of this.revisions) {
      revision.leaving = revision.leaving.filter((r) => r.inFlight > 0);
      if (!this.routed.revisions[id] && revision.leaving.length === 0) {
        this.revisions.delete(id);
        this.tally.forget(id);
      }
    }
  }

  /** At once after readRequest, whose buffer is `b`. */
  wantedBy(head: RequestHead, b: Buffer): Wanted | undefined {
    for (const route of this.routed.routes) {
      if (!matches(route, head, b)) continue;
      const isStrict = "host" in route.match;
      if (isStrict || this.revisions.has(route.to)) return { to: route.to, isStrict };
    }
    return undefined;
  }

  choose(o: { wanted: Wanted | undefined; avoid: Replica | undefined; nowMs: Ms }): Chosen | undefined {
    if (o.wanted) {
      const revision = this.revisions.get(o.wanted.to);
      const replica = revision?.leastLoaded(o.nowMs, o.avoid);
      if (revision && replica) return { revision, replica };
      if (o.wanted.isStrict) return undefined;
    }
    const revision = this.draw();
    const replica = revision?.leastLoaded(o.nowMs, o.avoid);
    if (revision && replica) return { revision, replica };
    return revision ? this.standIn(o) : undefined;
  }

  /** The Set-Cookie line of a session that begins with this revision. */
  placeCookie(revision: Revision | undefined, isSecure: boolean): string {
    return this.sticky?.setCookie(revision?.id ?? "", isSecure) ?? "";
  }

  /** The revision that gets a copy of this request, too: so many of every hundred. */
  mirrorTo(method: string, nowMs: Ms): { replica: Replica; counts: Mirrored } | undefined {
    const { mirror } = this.routed;
    if (!mirror || (method !== "GET" && method !== "HEAD" && method !== "OPTIONS")) return undefined;
    this.mirrorOwed += mirror.percent;
    if (this.mirrorOwed < 100) return undefined;
    this.mirrorOwed -= 100;
    const replica = this.revisions.get(mirror.to)?.leastLoaded(nowMs, undefined);
    if (!replica) return undefined;
    const counts = this.mirrored.get(mirror.to) ?? { requests: 0, errors: 0 };
    this.mirrored.set(mirror.to, counts);
    return { replica, counts };
  }

  /** Smooth weighted round robin (as in nginx): exact in every 100 requests, never two bursts. */
  private draw(): Revision | undefined {
    const first = this.drawn[0];
    if (this.drawn.length <= 1) return first;
    let best = first;
    let sum = 0;
    for (const revision of this.drawn) {
      revision.owed += revision.weight;
      sum += revision.weight;
      if (best && revision.owed > best.owed) best = revision;
    }
    if (best) best.owed -= sum;
    return best;
  }

  /** Capacity failed under the weights: whoever is ready serves, at once, the heavier first. */
  private standIn(o: { avoid: Replica | undefined; nowMs: Ms }): Chosen | undefined {
    const byWeight = [...this.revisions.values()].sort((a, b) => b.weight - a.weight);
    for (const revision of byWeight) {
      const replica = revision.leastLoaded(o.nowMs, o.avoid);
      if (replica) return { revision, replica };
    }
    return undefined;
  }

  seen(nowMs: Ms): SeenRouting {
    this.tidy();
    return {
      revisions: Object.fromEntries([...this.revisions.values()].map((r) => [r.id, seenRevision(r, nowMs)])),
      buffered: this.waiting.count,
    };
  }
}

function seenRevision(revision: Revision, nowMs: Ms): SeenRevisionRouting {
  return {
    weight: revision.weight,
    ready: revision.replicas.filter((r) => r.isUsable(nowMs)).length,
    inFlight: revision.inFlight,
    replicas: Object.fromEntries(
      [...revision.leaving, ...revision.replicas].map((r) => [
        r.id,
        { inFlight: r.inFlight, draining: r.isDraining, ejected: r.isEjected(nowMs) },
      ]),
    ),
  };
}

function matches(route: Route, head: RequestHead, b: Buffer): boolean {
  const { match } = route;
  if ("host" in match) return hostname(head.host) === match.host.toLowerCase();
  if ("header" in match) return fieldValue(b, match.header.toLowerCase()) === match.value;
  return cookieValue(head.cookie, match.cookie) === match.value;
}

export function hostname(host: string): string {
  const colon = host.endsWith("]") ? -1 : host.lastIndexOf(":");
  return (colon === -1 ? host : host.slice(0, colon)).toLowerCase();
}

export function cookieValue(cookies: string, name: string): string | undefined {
  for (const part of cookies.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}
