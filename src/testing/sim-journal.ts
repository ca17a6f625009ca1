// A journal, its claims and its environments in memory, on virtual time, with the same promises as PostgreSQL's.
import type { DeploymentId, Event, Fact, ReleaseRef } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import type { Standing } from "../domain/plan.ts";
import type { Claim, Claims, Clock, Environments, Journal } from "../engine/ports.ts";

interface Due {
  at: Ms | undefined;
  lease: { worker: string; token: number; until: Ms } | undefined;
  /** When a worker last said that it looks: a claim alone does not. */
  lookedAt: Ms;
}

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
      at: this.#clock.now(),
      previous: stream.at(-1)?.hash ?? "",
      hash: `${deployment}:${position}`,
      // As a database would hand it back: nothing that JSON does not keep.
      fact: JSON.parse(JSON.stringify(fact)),
    };
    this.#streams.set(deployment, [...stream, event]);
    const due = this.#due.get(deployment) ?? { at: undefined, lease: undefined, lookedAt: this.#clock.now() };
    this.#due.set(deployment, { ...due, at: this.#clock.now() });
    return event;
  }

  async claim(worker: string, leaseMs: Ms): Promise<Claim | undefined> {
    const now = this.#clock.now();
    const free = [...this.#due].filter(([, d]) => d.at !== undefined && d.at <= now && (d.lease?.until ?? 0) <= now);
    const [first] = free.sort(([, a], [, b]) => (a.at ?? 0) - (b.at ?? 0));
    if (first === undefined) return undefined;
    const [deployment, due] = first;
    const gapMs = due.lease === undefined ? 0 : now - due.lookedAt;
    if (due.lease === undefined) due.lookedAt = now;
    this.#token += 1;
    due.lease = { worker, token: this.#token, until: now + leaseMs };
    return { deployment, worker, token: this.#token, gapMs, position: this.#streams.get(deployment)?.length ?? 0 };
  }

  async renew(claim: Claim, leaseMs: Ms): Promise<boolean> {
    const lease = this.#due.get(claim.deployment)?.lease;
    if (lease?.token !== claim.token) return false;
    lease.until = this.#clock.now() + leaseMs;
    this.#look(claim.deployment);
    return true;
  }

  async release(claim: Claim, dueInMs: Ms | undefined): Promise<void> {
    const due = this.#due.get(claim.deployment);
    if (due?.lease?.token !== claim.token) return;
    due.lease = undefined;
    this.#look(claim.deployment);
    due.at = dueInMs === undefined ? undefined : this.#clock.now() + dueInMs;
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

  #look(deployment: DeploymentId): void {
    const due = this.#due.get(deployment);
    if (due !== undefined) due.lookedAt = this.#clock.now();
  }

  /** When the next deployment is due or its lease ends; undefined when nothing ever is. */
  nextAt(): Ms | undefined {
    const times = [...this.#due.values()].flatMap((d) =>
      d.at === undefined ? [] : [Math.max(d.at, d.lease?.until ?? 0)],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** What a restart without a pause looks like: the lease of a worker that died is gone at once. */
  forgetLeases(): void {
    for (const due of this.#due.values()) due.lease = undefined;
  }
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
