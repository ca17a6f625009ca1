// A journal, its claims and its environments in memory, on virtual time, with the same promises as PostgreSQL's.
import type { DeploymentId, Event, Fact, ReleaseRef } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import type { Standing } from "../domain/plan.ts";
import type { Claim, Claims, Clock, Environments, Journal } from "../engine/ports.ts";

interface Due {
  at: Ms | undefined;
  /** What a person said while a worker held the claim is looked at as soon as it is given back. */
  isWoken: boolean;
  lease: { readonly worker: string; readonly token: number; until: Ms } | undefined;
  /** When a worker last said that it looks: a claim alone does not. */
  lookedAt: Ms;
}

/** Facts that a worker writes of itself wake nobody. */
const wakes: ReadonlySet<Fact["kind"]> = new Set<Fact["kind"]>([
  "requested",
  "approved",
  "refused",
  "paused",
  "unpaused",
  "promoted",
  "abort asked",
  "retried",
  "superseded",
]);

export class SimJournal implements Journal, Claims, Environments {
  readonly id = "simulated";
  readonly #clock: Clock;
  readonly #streams = new Map<DeploymentId, Event[]>();
  readonly #due = new Map<DeploymentId, Due>();
  #seq = 0;
  #token = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(deployment: DeploymentId, from = 0): Promise<readonly Event[]> {
    return (this.#streams.get(deployment) ?? []).slice(from);
  }

  async append(deployment: DeploymentId, position: number, fact: Fact): Promise<Event | undefined> {
    const stream = this.#streams.get(deployment) ?? [];
    if (stream.length !== position) return undefined;
    this.#seq += 1;
    const event: Event = {
      schema: 1,
      workspace: "simulated",
      deployment,
      position,
      seq: this.#seq,
      at: Math.max(this.#clock.now(), stream.at(-1)?.at ?? 0),
      previous: stream.at(-1)?.hash ?? "",
      hash: `${deployment}:${position}`,
      // As a database would hand it back: nothing that JSON does not keep.
      fact: JSON.parse(JSON.stringify(fact)),
    };
    this.#streams.set(deployment, [...stream, event]);
    if (stream.length === 0)
      this.#due.set(deployment, { at: undefined, isWoken: false, lease: undefined, lookedAt: event.at });
    if (wakes.has(fact.kind)) this.#wake(deployment);
    return event;
  }

  async claim(worker: string, leaseMs: Ms): Promise<Claim | undefined> {
    const now = this.#clock.now();
    const free = [...this.#due].filter(([, due]) => isDue(due, now) && isFree(due, now, { worker, leaseMs }));
    const [first] = free.sort(([, a], [, b]) => (a.at ?? 0) - (b.at ?? 0));
    if (first === undefined) return undefined;
    const [deployment, due] = first;
    if (due.lease === undefined) due.lookedAt = due.at ?? now;
    due.lookedAt = Math.min(due.lookedAt, now);
    const unwatchedMs = now - due.lookedAt;
    this.#token += 1;
    due.lease = { worker, token: this.#token, until: now + leaseMs };
    due.isWoken = false;
    return {
      deployment,
      worker,
      token: this.#token,
      position: this.#streams.get(deployment)?.length ?? 0,
      gapMs: unwatchedMs >= leaseMs ? unwatchedMs : 0,
    };
  }

  async renew(claim: Claim, leaseMs: Ms): Promise<boolean> {
    const due = this.#heldBy(claim);
    const now = this.#clock.now();
    if (due?.lease === undefined || due.lease.until <= now) return false;
    due.lease.until = now + leaseMs;
    due.lookedAt = now;
    return true;
  }

  async release(claim: Claim, dueInMs: Ms | undefined): Promise<void> {
    const due = this.#heldBy(claim);
    if (due?.lease === undefined || due.lease.until <= this.#clock.now()) return;
    due.lease = undefined;
    due.lookedAt = this.#clock.now();
    if (!due.isWoken) due.at = dueInMs === undefined ? undefined : this.#clock.now() + dueInMs;
  }

  async standing(environment: string, deployment: DeploymentId) {
    const before = [...this.#streams.values()]
      .filter((s) => isIn(s, environment))
      .filter((s) => s[0]?.deployment !== deployment);
    const mine = this.#streams.get(deployment)?.[0]?.seq ?? Number.POSITIVE_INFINITY;
    const earlier = before.filter((stream) => (stream[0]?.seq ?? 0) < mine);
    const ends = before
      .filter((stream) => stream.some((e) => e.fact.kind === "planned"))
      .flatMap((stream) => stream.filter((e) => e.fact.kind === "ended"))
      .sort((a, b) => a.seq - b.seq);
    const last = ends.at(-1)?.fact;
    const stands: Standing = last?.kind === "ended" ? last.stands : {};
    const release = last?.kind === "ended" && last.release !== undefined ? last.release : releaseOf(before, ends);
    const releases = last?.kind === "ended" ? last.releases : undefined;
    return {
      turn: earlier.every((stream) => stream.at(-1)?.fact.kind === "ended"),
      stands,
      ...(release === undefined ? {} : { release }),
      ...(releases === undefined ? {} : { releases }),
    };
  }

  #heldBy(claim: Claim): Due | undefined {
    const due = this.#due.get(claim.deployment);
    return due?.lease?.token === claim.token ? due : undefined;
  }

  #wake(deployment: DeploymentId): void {
    const due = this.#due.get(deployment);
    if (due === undefined) return;
    due.at = this.#clock.now();
    due.isWoken = true;
  }

  /** When the next deployment is due or its lease ends; undefined when nothing ever is. */
  nextAt(): Ms | undefined {
    const times = [...this.#due.values()].flatMap((d) =>
      d.at === undefined ? [] : [Math.max(d.at, d.lease?.until ?? 0)],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** What a restart without a pause looks like: the lease of a worker that died ends at once, and nobody else's. */
  endLeases(worker: string): void {
    const now = this.#clock.now();
    for (const { lease } of this.#due.values())
      if (lease?.worker.startsWith(`${worker}/`)) lease.until = Math.min(lease.until, now);
  }
}

/** Who was looked at in the future was looked at before the clock was put back. */
function isDue({ at, lookedAt }: Due, now: Ms): boolean {
  return at !== undefined && (at <= now || lookedAt > now);
}

/** A lease that is longer than any was given before the clock was put back; who asks again holds nothing any more. */
function isFree({ lease }: Due, now: Ms, asked: { readonly worker: string; readonly leaseMs: Ms }): boolean {
  if (lease === undefined || lease.worker === asked.worker) return true;
  return lease.until <= now || lease.until > now + asked.leaseMs;
}

function isIn(stream: readonly Event[], environment: string): boolean {
  const first = stream[0]?.fact;
  return first?.kind === "requested" && first.environment === environment;
}

function releaseOf(streams: readonly (readonly Event[])[], ends: readonly Event[]): ReleaseRef | undefined {
  const good = ends.findLast((e) => e.fact.kind === "ended" && e.fact.outcome === "succeeded");
  const first = streams.find((stream) => stream[0]?.deployment === good?.deployment)?.[0]?.fact;
  return first?.kind === "requested" ? first.release : undefined;
}
