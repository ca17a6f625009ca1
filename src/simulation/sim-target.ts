// A target on virtual time. What it does is a function of time and of what was asked, never of how often it was asked.
import { type Frame, type Ms, type RevisionId, replicasFor, shareOf } from "../domain/frame.ts";
import type { Powers } from "../domain/powers.ts";
import type { Seen, SeenShare } from "../domain/seen.ts";
import { type Clock, type Fence, Fenced, type Target } from "../engine/ports.ts";

/** How the replicas of a revision behave. */
export interface Behaviour {
  readonly readyAfterMs?: Ms;
  readonly neverReady?: boolean;
  /** Ready at first, in a crash loop from so long after its start on. */
  readonly crashesAfterMs?: Ms;
  /** Only so many of its replicas do; all, unless it says. */
  readonly crashing?: number;
  /** Share of requests (0 to 1) that fail, from so long after its start on. */
  readonly errors?: { readonly share: number; readonly afterMs: Ms };
  readonly latencyMs?: number;
  /** Another latency from so long after its start on. */
  readonly slows?: { readonly latencyMs: number; readonly afterMs: Ms };
  /** Numbers of a metric source by query, from so long after its start on; 0 before and for all others. */
  readonly metrics?: Readonly<Record<string, { readonly value: number; readonly afterMs: Ms }>>;
  /** Its replicas are gone between these moments since the request, and come back by themselves. */
  readonly awayBetween?: readonly [Ms, Ms];
}

export interface SimTargetOptions {
  readonly clock: Clock;
  readonly behaviours: Readonly<Record<RevisionId, Behaviour>>;
  /** How long the router takes to report new weights. */
  readonly routerLagMs?: Ms;
  readonly drainMs?: Ms;
  /** Percent of capacity that the plan allows to be missing. */
  readonly unavailable?: number;
  /** The moment of the request. */
  readonly requestedAt?: Ms;
  /** False while a request arrives late: then nobody chooses it. */
  readonly isChosen?: () => boolean;
}

interface Replica {
  readonly startedAt: Ms;
  stopAt: Ms | undefined;
}

/** The weights that were asked for, and from when on. */
export interface Weights {
  readonly at: Ms;
  readonly traffic: Readonly<Record<RevisionId, number>>;
}

export class SimTarget implements Target {
  readonly powers: Powers = { traffic: "weighted" };
  /** Breaches of what must never be chosen. */
  readonly violations: string[] = [];
  readonly weights: Weights[] = [];
  readonly frames: { readonly at: Ms; readonly seq: number; readonly frame: Frame }[] = [];
  readonly #options: SimTargetOptions;
  readonly #replicas = new Map<RevisionId, Replica[]>();
  readonly #published = new Set<RevisionId>();
  #fence: Fence | undefined;

  constructor(options: SimTargetOptions) {
    this.#options = options;
  }

  async publish(revision: RevisionId): Promise<void> {
    this.#published.add(revision);
  }

  async apply(frame: Frame, size: number, fence: Fence): Promise<void> {
    if (this.#fence !== undefined && fence.seq < this.#fence.seq)
      throw new Fenced(`seq ${fence.seq} is older than ${this.#fence.seq}`);
    this.#fence = fence;
    if (this.#options.isChosen?.() !== false) this.#checkChoice(frame, size);
    const now = this.#options.clock.now();
    for (const revision of new Set([...this.#replicas.keys(), ...Object.keys(frame.revisions)])) {
      this.#resize(revision, replicasFor(shareOf(frame, revision).capacity, size), now);
    }
    const traffic = Object.fromEntries(Object.entries(frame.revisions).map(([r, share]) => [r, share.traffic]));
    if (JSON.stringify(this.weights.at(-1)?.traffic) !== JSON.stringify(traffic))
      this.weights.push({ at: now, traffic });
    this.frames.push({ at: now, seq: fence.seq, frame });
  }

  async observe(): Promise<Seen> {
    const now = this.#options.clock.now();
    const lag = this.#options.routerLagMs ?? 0;
    const reported = this.weights.findLast((w) => w.at + lag <= now)?.traffic ?? {};
    const names = new Set([...this.#replicas.keys(), ...Object.keys(reported)]);
    const shares = [...names].map((r): [RevisionId, SeenShare] => [r, this.#share(r, reported[r] ?? 0, now)]);
    return { revisions: Object.fromEntries(shares.filter(([, s]) => s.running > 0 || s.traffic > 0)) };
  }

  async retire(revision: RevisionId): Promise<void> {
    this.#published.delete(revision);
  }

  /** Kills every replica of a revision, as a machine would. */
  kill(revision: RevisionId): void {
    this.#replicas.delete(revision);
  }

  /** Sets weights as somebody else might, who does not ask us. */
  reweigh(traffic: Weights["traffic"]): void {
    this.weights.push({ at: this.#options.clock.now(), traffic });
  }

  startedAt(revision: RevisionId): Ms | undefined {
    return this.#replicas.get(revision)?.[0]?.startedAt;
  }

  #resize(revision: RevisionId, wanted: number, now: Ms): void {
    if (wanted > 0 && !this.#published.has(revision))
      this.violations.push(`${revision} was asked for before it was published`);
    const replicas = (this.#replicas.get(revision) ?? []).filter((r) => r.stopAt === undefined || r.stopAt > now);
    const serving = replicas.filter((r) => r.stopAt === undefined);
    for (const extra of serving.slice(wanted)) extra.stopAt = now + (this.#options.drainMs ?? 0);
    const missing = Math.max(0, wanted - serving.length);
    this.#replicas.set(revision, [
      ...replicas,
      ...Array.from({ length: missing }, () => ({ startedAt: now, stopAt: undefined })),
    ]);
  }

  #share(revision: RevisionId, traffic: number, now: Ms): SeenShare {
    const behaviour = this.#options.behaviours[revision] ?? {};
    if (this.#isAway(behaviour, now)) return { ready: 0, running: 0, traffic };
    const running = (this.#replicas.get(revision) ?? []).filter((r) => r.stopAt === undefined || r.stopAt > now);
    const serving = running.filter((r) => r.stopAt === undefined);
    const { crashesAfterMs = Number.POSITIVE_INFINITY, crashing = Number.POSITIVE_INFINITY } = behaviour;
    const crashes = serving.some((r) => now - r.startedAt >= crashesAfterMs);
    const able = crashes ? serving.slice(Math.min(crashing, serving.length)) : serving;
    const ready = able.filter((r) => isReady(behaviour, now - r.startedAt)).length;
    return {
      ready,
      running: running.length,
      traffic,
      ...(crashes
        ? { broken: "crash loop: exited with code 1 three times", failing: serving.length - able.length }
        : {}),
    };
  }

  #isAway({ awayBetween }: Behaviour, now: Ms): boolean {
    const sinceMs = now - (this.#options.requestedAt ?? now);
    return awayBetween !== undefined && sinceMs >= awayBetween[0] && sinceMs < awayBetween[1];
  }

  /** A chosen move never gives a revision more traffic than its ready capacity bears. */
  #checkChoice(frame: Frame, size: number): void {
    const now = this.#options.clock.now();
    const sum = Object.values(frame.revisions).reduce((total, share) => total + share.traffic, 0);
    if (sum !== 0 && Math.abs(sum - 100) > 0.01) this.violations.push(`traffic sums to ${sum}`);
    for (const [revision, share] of Object.entries(frame.revisions)) {
      const before = this.weights.at(-1)?.traffic[revision] ?? 0;
      const ready = this.#share(revision, 0, now).ready;
      const needed = (share.traffic / 100) * size * (1 - (this.#options.unavailable ?? 0) / 100);
      if (share.traffic > before && ready < needed - 0.01) {
        this.violations.push(`${revision} was given ${share.traffic} % with ${ready} of ${size} replicas ready`);
      }
    }
  }
}

function isReady(behaviour: Behaviour, ageMs: Ms): boolean {
  return behaviour.neverReady !== true && ageMs >= (behaviour.readyAfterMs ?? 1500);
}
