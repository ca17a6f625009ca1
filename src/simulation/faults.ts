// What may go wrong at the n-th call of any port: the worker dies, is stopped or upgraded, an answer is lost or slow, a
// request comes late and out of order, the clock is set.
import type { Ms } from "../domain/frame.ts";
import { Temporary } from "../domain/problem.ts";
import { Fenced } from "../engine/ports.ts";
import type { SimClock } from "./sim-clock.ts";

export interface Fault {
  /** Counts every call of every port by every worker, from 1. */
  readonly call: number;
  /** Before the call has its effect, or after it. */
  readonly when: "before" | "after";
  /** A crash, unless it says. */
  readonly does?: Trouble;
}

export type Trouble =
  | { readonly kind: "crash" }
  /** The caller is told `Temporary` and does not learn whether it happened. */
  | { readonly kind: "no answer" }
  /** The caller gives up; what it asked for happens so much later, perhaps after newer requests. */
  | { readonly kind: "arrives late"; readonly byMs: Ms }
  /** What was asked for happens a second time, so much later. */
  | { readonly kind: "arrives twice"; readonly byMs: Ms }
  /** The answer takes so long, and is that old when it comes. */
  | { readonly kind: "slow"; readonly byMs: Ms }
  /** The worker's process is stopped for so long (SIGSTOP) and then goes on; meanwhile others work. */
  | { readonly kind: "stopped"; readonly forMs: Ms }
  | { readonly kind: "clock set"; readonly byMs: Ms }
  /** A newer control plane takes over: this worker ends its tick and goes. */
  | { readonly kind: "upgrade" };

/** The worker's process dies here. */
export class Crash extends Error {
  override readonly name = "Crash";
}

interface Asleep {
  readonly until: Ms;
  readonly wake: () => void;
  /** Settled when the worker that woke has ended what it was at. */
  readonly done: Promise<unknown>;
}

/** Counts port calls and strikes at those that were chosen. */
export class Striker {
  calls = 0;
  /** Which calls were of methods that change something. */
  readonly effects: number[] = [];
  /** How often a newer control plane took over. */
  upgrades = 0;
  /** True while a request arrives that was put off: it was chosen before. */
  isDelivering = false;
  readonly #clock: SimClock;
  readonly #faults = new Map<number, Fault[]>();
  readonly #late: { readonly at: Ms; readonly deliver: () => Promise<unknown> }[] = [];
  readonly #asleep: Asleep[] = [];
  #whenStopped: (stop: Pick<Asleep, "until" | "wake">) => void = () => {};

  constructor(faults: readonly Fault[], clock: SimClock) {
    this.#clock = clock;
    for (const fault of faults) this.#faults.set(fault.call, [...(this.#faults.get(fault.call) ?? []), fault]);
  }

  /** A stand-in for `port` whose methods may be struck; everything else about it is itself. */
  around<T extends object>(port: T, methods: { readonly [K in keyof T]?: "asks" | "changes" }): T {
    const made = new Map<PropertyKey, unknown>();
    return new Proxy(port, {
      get: (target, property) => {
        const known = made.get(property);
        if (known !== undefined) return known;
        const value = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        const how = methods[property as keyof T];
        const call = (...args: unknown[]) =>
          how === undefined
            ? Reflect.apply(value, target, args)
            : this.#struck(async () => Reflect.apply(value, target, args), how === "changes");
        made.set(property, call);
        return call;
      },
    });
  }

  /** Runs what a worker does until it ends, or until the worker is stopped (true): then it goes on when its time has come. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    let hasStopped = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      hasStopped = resolve;
    });
    const before = this.#whenStopped;
    let stop: Pick<Asleep, "until" | "wake"> | undefined;
    this.#whenStopped = (how) => {
      stop = how;
      hasStopped();
    };
    const done = work();
    await Promise.race([done, stopped]).finally(() => {
      this.#whenStopped = before;
    });
    if (stop === undefined) return false;
    this.#asleep.push({ ...stop, done: done.catch(ignoreCrash) });
    return true;
  }

  /** When something that was put off happens next. */
  nextAt(): Ms | undefined {
    const times = [...this.#late.map(({ at }) => at), ...this.#asleep.map(({ until }) => until)];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Lets happen what was put off until now. */
  async catchUp(): Promise<void> {
    const now = this.#clock.steady.now();
    for (const late of this.#late.filter(({ at }) => at <= now)) {
      this.#late.splice(this.#late.indexOf(late), 1);
      this.isDelivering = true;
      await late.deliver().catch(ignoreRefusal);
      this.isDelivering = false;
    }
    for (const asleep of this.#asleep.filter(({ until }) => until <= now)) {
      this.#asleep.splice(this.#asleep.indexOf(asleep), 1);
      asleep.wake();
      await this.run(() => asleep.done);
    }
  }

  async #struck(invoke: () => Promise<unknown>, changes: boolean): Promise<unknown> {
    if (this.#late.length > 0 || this.#asleep.length > 0) await this.catchUp();
    this.calls += 1;
    if (changes) this.effects.push(this.calls);
    const faults = this.#faults.get(this.calls);
    if (faults === undefined) return invoke();
    for (const { when, does } of faults) if (when === "before") await this.#strike(does, invoke);
    this.isDelivering = faults.some(
      ({ when, does }) => when === "before" && (does?.kind === "slow" || does?.kind === "stopped"),
    );
    const answer = await invoke().finally(() => {
      this.isDelivering = false;
    });
    for (const { when, does } of faults) if (when === "after") await this.#strike(does, invoke);
    return answer;
  }

  async #strike(does: Trouble = { kind: "crash" }, invoke: () => Promise<unknown>): Promise<void> {
    const now = this.#clock.steady.now();
    switch (does.kind) {
      case "crash":
        throw new Crash();
      case "no answer":
        throw new Temporary("timed out");
      case "arrives late":
        this.#late.push({ at: now + does.byMs, deliver: invoke });
        throw new Temporary("timed out");
      case "arrives twice":
        this.#late.push({ at: now + does.byMs, deliver: invoke });
        return;
      case "slow":
        return this.#clock.sleep(does.byMs);
      case "stopped":
        return new Promise((wake) => this.#whenStopped({ until: now + does.forMs, wake }));
      case "clock set":
        return this.#clock.set(does.byMs);
      case "upgrade":
        this.upgrades += 1;
    }
  }
}

function ignoreCrash(error: unknown): void {
  if (!(error instanceof Crash)) throw error;
}

/** Nobody waits for the answer of a request that comes late. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Temporary) && !(error instanceof Fenced)) throw error;
}
