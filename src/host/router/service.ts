// One service as the router runs it: its revisions, and which of them a request is for: by rule, by session, by draw.
import type { Ms, RevisionId } from "../../domain/frame.ts";
import type { RoutedService, SeenRouting } from "../table.ts";
import { Guard } from "./guard.ts";
import type { RequestHead } from "./head.ts";
import { hostname, matches } from "./matching.ts";
import type { Mirrored } from "./mirror.ts";
import type { Replica } from "./replica.ts";
import { RetryBudget } from "./retry-budget.ts";
import { Revision } from "./revision.ts";
import { Sticky } from "./sticky.ts";
import { Tally } from "./tally.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** What a rule of the service says about a request. */
export interface Wanted {
  readonly to: RevisionId;
  /** A preview host is never answered by another revision; header and cookie rules are a preference. */
  readonly isStrict: boolean;
}

const nobody: Wanted = { to: "", isStrict: true };

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
  /** Some requests are not drawn for: rules or a preview host say who answers. */
  isRuled = false;
  private drawn: readonly Revision[] = [];

  constructor(key: string, routed: RoutedService, nowMs: Ms) {
    this.key = key;
    this.routed = routed;
    this.tally = new Tally(nowMs);
    this.waiting = new WaitingRoom();
  }

  /** Takes over a new table's part; gives the replicas that left. */
  apply(routed: RoutedService, o: { stickySecret: string | undefined; nowMs: Ms }): readonly Replica[] {
    this.routed = routed;
    const before = turnsOf(this.drawn);
    for (const id of Object.keys(routed.revisions))
      if (!this.revisions.has(id)) this.revisions.set(id, new Revision(id));
    const left = [...this.revisions.values()].flatMap((revision) =>
      revision.apply(routed.revisions[revision.id], { options: routed, nowMs: o.nowMs }),
    );
    this.drawn = [...this.revisions.values()].filter((r) => r.weight > 0);
    if (before !== turnsOf(this.drawn)) for (const r of this.drawn) r.owed = 0;
    this.guard = Guard.of(routed, this.guard);
    this.isRuled = routed.routes.length > 0 || (routed.previewHosts ?? []).length > 0;
    this.sticky =
      routed.sticky && o.stickySecret !== undefined
        ? new Sticky({ ...routed.sticky, secret: o.stickySecret }, { service: this.key, drawn: this.drawn })
        : undefined;
    this.retries.percentMax = routed.retryPercentMax ?? 20;
    this.tally.classes.know(routed.routeClasses ?? []);
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
    return this.routed.previewHosts?.includes(hostname(head.host)) ? nobody : undefined;
  }

  choose(o: { wanted: Wanted | undefined; avoid: Replica | undefined; nowMs: Ms }): Chosen | undefined {
    if (o.wanted) {
      const revision = this.revisions.get(o.wanted.to);
      const replica = revision?.leastLoaded(o.nowMs, o.avoid);
      if (revision && replica) return { revision, replica };
      return o.wanted.isStrict ? undefined : this.standIn(o);
    }
    const revision = this.draw();
    const replica = revision?.leastLoaded(o.nowMs, o.avoid);
    if (revision && replica) return { revision, replica };
    const other = this.standIn(o);
    if (revision && !other) this.takeBack(revision);
    return other;
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

  /** Nobody could serve: whoever waits draws again, and that must not cost a revision its turn. */
  private takeBack(drawn: Revision): void {
    if (this.drawn.length <= 1) return;
    for (const revision of this.drawn) {
      revision.owed -= revision.weight;
      drawn.owed += revision.weight;
    }
  }

  /** Capacity failed under the weights: whoever is ready serves, at once, the heavier first. A dark service serves nobody. */
  private standIn(o: { avoid: Replica | undefined; nowMs: Ms }): Chosen | undefined {
    if (this.drawn.length === 0) return undefined;
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
      revisions: Object.fromEntries([...this.revisions.values()].map((r) => [r.id, r.seen(nowMs)])),
      buffered: this.waiting.count,
    };
  }
}

/** As long as it is the same, whose turn it is goes on over any number of tables. */
function turnsOf(drawn: readonly Revision[]): string {
  return drawn.map((r) => `${r.id}=${r.weight}`).join();
}
