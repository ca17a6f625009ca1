// A worker claims due deployments, drives each until it has to wait, and gives it back. Any number share one journal:
// the lease keeps them apart, the position of each fact keeps them honest, the fence keeps a late one harmless.
import { isFinished } from "../domain/aftermath.ts";
import type { Fact } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import { Temporary } from "../domain/problem.ts";
import { fold, type Run } from "../domain/run.ts";
import { advance, type Surroundings } from "./advance.ts";
import { blank, type Memory } from "./memory.ts";
import { type Claim, type Claims, Fenced, type Ports } from "./ports.ts";

export interface WorkerOptions {
  readonly name: string;
  readonly ports: Ports;
  readonly claims: Claims;
  readonly leaseMs: Ms;
  /** How often a deployment that waits or bakes is looked at; more often where a moment is known. 1 s unless given. */
  readonly tickMs?: Ms;
  /** Told what a run is waiting for, for people who watch. */
  readonly onWaiting?: (deployment: string, waiting: readonly string[]) => void;
}

/** Waits shorter than this are sat out with the claim in hand; longer ones give it back. */
const sitOutMs: Ms = 100;

/** A claim, and when it was asked for or prolonged: from before the question on, since its lease may be that old. */
type Held = Claim & { askedAt: Ms };

function lost({ worker, deployment }: Held): Fenced {
  return new Fenced(`${worker} lost its claim on ${deployment}`);
}

/** The lease ends by itself when giving it back fails too. */
function ignoreTemporary(error: unknown): void {
  if (!(error instanceof Temporary)) throw error;
}

/** What a look costs, generously: so far apart are those for which the same moment matters. */
const lookMs: Ms = 5;

/** A place from 0 to 1 for each deployment, always the same one (FNV-1a). */
function placeOf(deployment: string): number {
  let hash = 2166136261;
  for (const letter of deployment) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  return (hash >>> 0) / 2 ** 32;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #memories = new Map<string, { run: Run | undefined; memory: Memory }>();
  /** Names under which to claim: one for each deployment that is driven at this moment. */
  readonly #freeNames: string[] = [];
  #names = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Claims one due deployment and drives it; false when there was none. May be asked again before it has answered. */
  async once(isStopped: () => boolean = () => false): Promise<boolean> {
    const name = this.#freeNames.pop() ?? this.#newName();
    try {
      const askedAt = this.#options.ports.clock.now();
      const claim = await this.#options.claims.claim(name, this.#options.leaseMs);
      if (claim !== undefined) await this.#hold({ ...claim, askedAt }, isStopped);
      return claim !== undefined;
    } finally {
      this.#freeNames.push(name);
    }
  }

  #newName(): string {
    this.#names += 1;
    return `${this.#options.name}/${this.#names}`;
  }

  async #hold(claim: Held, isStopped: () => boolean): Promise<void> {
    let hasTakenUp = false;
    try {
      const run = await this.#takenUp(claim);
      hasTakenUp = true;
      const dueInMs = run === undefined ? undefined : await this.#drive(run, claim, isStopped);
      await this.#options.claims.release(claim, dueInMs);
    } catch (error) {
      this.#memories.delete(claim.deployment);
      if (!(error instanceof Fenced) && !(error instanceof Temporary)) {
        if (this.#options.ports.report === undefined) throw error;
        this.#options.ports.report(error);
      }
      // Giving back says that somebody looked: a gap that is not written down yet would be lost.
      if (hasTakenUp || claim.gapMs === 0) await this.#options.claims.release(claim, 500).catch(ignoreTemporary);
    }
  }

  /** The run as the journal has it; a gap before this claim is written down first. */
  async #takenUp(claim: Held): Promise<Run | undefined> {
    const known = this.#memories.get(claim.deployment)?.run;
    const isCurrent = known !== undefined && known.position === claim.position;
    const run = isCurrent ? known : await this.#caughtUp(claim.deployment);
    if (run === undefined || claim.gapMs === 0 || run.phase.kind === "ended" || run.phase.kind === "queued") return run;
    const resumed = await this.#write(run, { kind: "resumed", worker: this.#options.name, gapMs: claim.gapMs });
    await this.#renew(claim);
    return resumed;
  }

  async #drive(begun: Run, claim: Held, isStopped: () => boolean): Promise<Ms | undefined> {
    const { ports, leaseMs } = this.#options;
    const { clock } = ports;
    let run = begun;
    while (!isFinished(run, clock.now()) && !isStopped()) {
      const unwatchedMs = clock.now() - claim.askedAt;
      if (unwatchedMs > leaseMs / 3 || unwatchedMs < 0) await this.#renew(claim);
      const { fact, dueInMs, waiting } = await advance(run, this.#around(run.id));
      // Whoever looked for longer than a lease (a machine asleep, a clock set) says nothing: the gap uses up no patience.
      if (clock.now() - claim.askedAt >= leaseMs) throw lost(claim);
      if (fact !== undefined) {
        run = await this.#write(run, fact);
        continue;
      }
      this.#options.onWaiting?.(run.id, waiting);
      if (dueInMs > sitOutMs) return dueInMs;
      await clock.sleep(dueInMs);
      run = (await this.#caughtUp(run.id)) ?? run;
    }
    if (!isFinished(run, clock.now())) return 0;
    this.#memories.delete(run.id);
    return undefined;
  }

  async #renew(claim: Held): Promise<void> {
    const { claims, leaseMs, ports } = this.#options;
    const askedAt = ports.clock.now();
    if (!(await claims.renew(claim, leaseMs))) throw lost(claim);
    claim.askedAt = askedAt;
  }

  /** Writes at exactly the run's position; when somebody else wrote there first, only catches up. */
  async #write(run: Run, fact: Fact): Promise<Run> {
    const event = await this.#options.ports.journal.append(run.id, run.position, fact);
    const next = event === undefined ? await this.#caughtUp(run.id) : fold([event], run);
    if (next === undefined) throw new Error(`the journal of ${run.id} is empty`);
    this.#memories.set(run.id, { run: next, memory: this.#memoryOf(run.id) });
    return next;
  }

  async #caughtUp(deployment: string): Promise<Run | undefined> {
    const known = this.#memories.get(deployment);
    const events = await this.#options.ports.journal.read(deployment, known?.run?.position ?? 0);
    const run = fold(events, known?.run);
    this.#memories.set(deployment, { run, memory: known?.memory ?? blank() });
    return run;
  }

  #around(deployment: string): Surroundings {
    const { ports, tickMs } = this.#options;
    const spreadMs = Math.round(placeOf(deployment) * Math.min(tickMs ?? 1000, this.#memories.size * lookMs));
    return { ports, memory: this.#memoryOf(deployment), spreadMs, ...(tickMs === undefined ? {} : { tickMs }) };
  }

  #memoryOf(deployment: string): Memory {
    const known = this.#memories.get(deployment);
    if (known !== undefined) return known.memory;
    const memory = blank();
    this.#memories.set(deployment, { run: undefined, memory });
    return memory;
  }
}
