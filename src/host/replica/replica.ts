// One replica through all its runs: started, ready, restarted with a growing pause, drained, stopped. Holds its run and its
// probes; what should run is decided elsewhere.
import { join } from "node:path";
import { type Health, parseHealth } from "../../domain/health.ts";
import type { LastExit, ReplicaSpec, ReplicaState, SeenReplica, ServiceKey } from "../api.ts";
import { Timers } from "../timers.ts";
import { countExit, isCrashLoop, pauseBeforeRestartMs, settledAfterMs } from "./crash-loop.ts";
import { livedFor } from "./exit-reason.ts";
import type { Limiter } from "./limiter.ts";
import { Run, type RunEnd, type RunRecord } from "./run.ts";
import { whyNotStarted } from "./started-with.ts";
import { usageOf } from "./usage.ts";
import { Watch } from "./watch.ts";

/** What survives the supervisor. */
export interface ReplicaRecord {
  readonly id: string;
  readonly service: ServiceKey;
  readonly revision: string;
  readonly slot: number;
  readonly logFile: string;
  state: ReplicaState;
  port: number;
  restarts: number;
  quickExits: number;
  /** Requests that its kill cut off. */
  cut: number;
  run?: RunRecord;
  lastExit?: LastExit;
  because?: string;
  broken?: string;
}

export interface ReplicaOptions {
  readonly record: ReplicaRecord;
  readonly spec: ReplicaSpec;
  readonly runs: string;
  readonly limiter: Limiter;
  readonly freePort: () => Promise<number>;
  /** State, port or reason changed: save, and reconsider the service. */
  readonly onChange: () => void;
}

export class Replica {
  readonly record: ReplicaRecord;
  readonly spec: ReplicaSpec;
  readonly #options: ReplicaOptions;
  readonly #timers = new Timers();
  #run: Run | undefined;
  #watch: Watch | undefined;
  #health: Health | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.record = options.record;
    this.spec = options.spec;
  }

  seen(): SeenReplica {
    const { id, state, port, restarts, logFile, run, lastExit, because } = this.record;
    const usage = run === undefined ? undefined : usageOf(run.process.pid, this.spec.memoryMiB);
    return {
      id,
      state,
      port,
      startedAt: run?.startedAt ?? 0,
      restarts,
      logFile,
      ...(run === undefined ? {} : { pid: run.process.pid }),
      ...(lastExit === undefined ? {} : { lastExit }),
      ...(because === undefined ? {} : { because }),
      ...(this.#health === undefined ? {} : { health: this.#health }),
      ...(usage === undefined ? {} : { usage }),
    };
  }

  async start(): Promise<void> {
    const { record, spec } = this;
    try {
      const impossible = whyNotStarted(spec);
      if (impossible !== undefined) throw new Error(impossible);
      record.port = await this.#options.freePort();
      if (this.#isLeaving()) return;
      const { runs, limiter } = this.#options;
      const { port, logFile } = record;
      const folder = join(runs, `${record.id}.${Date.now().toString(36)}`);
      this.#run = Run.start({ spec, limiter, folder, port, logFile, onEnd: (end) => this.#ended(end) });
      record.run = this.#run.record;
      this.#begin("starting");
    } catch (error) {
      this.#giveUpFor(error instanceof Error ? error.message : String(error)); // also no space, no descriptors, no port
    }
  }

  /** Takes over what an earlier supervisor started: what was ready stays in service while we look again. */
  adopt(): void {
    const { record, spec } = this;
    if (record.run === undefined) {
      this.#afterPause();
      return;
    }
    const { limiter } = this.#options;
    this.#run = Run.adopt(record.run, { spec, limiter, onEnd: (end) => this.#ended(end) });
    // One that was being stopped is stopped again from the beginning: its grace is not known any more.
    if (this.#isLeaving()) this.#set("draining");
    else this.#begin(record.state);
  }

  /** Out of the router's table from now on; the process runs until `stop`. */
  drain(): void {
    if (this.#isLeaving()) return;
    this.#watch?.stop();
    this.#timers.clear();
    this.#set(this.#run === undefined ? "exited" : "draining");
  }

  /** SIGTERM, grace, SIGKILL. `inFlight` is read just before the kill and counted as cut. */
  stop(inFlight: () => Promise<number>): void {
    if (this.record.state !== "draining") return;
    this.#set("stopping");
    this.#run?.terminate({
      because: "stopped as asked",
      onKill: async () => {
        this.record.cut += await inFlight();
      },
    });
  }

  /** The supervisor ends; the process goes on. */
  letGo(): void {
    this.#watch?.stop();
    this.#timers.clear();
    this.#run?.letGo();
  }

  #begin(state: ReplicaState): void {
    const { record, spec } = this;
    this.#watch = new Watch(
      {
        spec,
        target: { port: record.port, run: this.#run?.record.folder, ...spec },
        onVerdict: (isReady, because) => this.#judged(isReady, because),
        onDead: (because) => this.#dead(because),
        onAnswer: (answer) => {
          this.#health = answer.body === undefined ? undefined : parseHealth(answer.body, answer.ok);
          if (!answer.ok && record.state === "starting") record.because = answer.because;
        },
      },
      { isStarting: state === "starting" },
    );
    this.#timers.after("forgive", settledAfterMs(spec.startWithinMs), () => this.#forgive());
    if (state === "starting") this.#timers.after("patience", spec.startWithinMs, () => this.#neverReady());
    this.#set(state);
  }

  #judged(isReady: boolean, because: string | undefined): void {
    const { state } = this.record;
    if (isReady && state !== "ready") {
      this.#timers.clear("patience");
      delete this.record.because;
      this.#set("ready");
    }
    if (!isReady && state === "ready") this.#set("unready", because);
  }

  /** It lived long enough: what was before does not count any more. */
  #forgive(): void {
    const { record } = this;
    if (record.state !== "ready" || record.quickExits === 0) return;
    record.quickExits = 0;
    delete record.broken;
    this.#options.onChange();
  }

  #neverReady(): void {
    const { record } = this;
    const because = `not ready within ${livedFor(this.spec.startWithinMs)}: ${record.because ?? "no answer"}`;
    record.broken = `never ready: ${because}`;
    this.#watch?.stop();
    this.#options.onChange();
    this.#run?.terminate({ because, onKill: async () => {} });
  }

  #dead(because: string): void {
    this.#watch?.stop();
    this.#set("unready", because);
    this.#run?.terminate({ because, onKill: async () => {} });
  }

  #ended({ livedMs, because }: RunEnd): void {
    const { record, spec } = this;
    this.#watch?.stop();
    this.#timers.clear();
    this.#run = undefined;
    this.#health = undefined;
    delete record.run;
    record.because = because;
    if (this.#isLeaving()) {
      this.#set("exited");
      return;
    }
    record.lastExit = { at: Date.now(), because };
    record.quickExits = countExit(record.quickExits, { livedMs, startWithinMs: spec.startWithinMs });
    if (isCrashLoop(record.quickExits))
      record.broken ??= `crash loop: ended ${record.quickExits} times, last: ${because}`;
    this.#afterPause();
  }

  #giveUpFor(because: string): void {
    const { record } = this;
    record.quickExits += 1;
    record.because = because;
    record.broken = because;
    this.#afterPause();
  }

  #afterPause(): void {
    if (this.#isLeaving()) {
      this.#set("exited");
      return;
    }
    this.#set("backing off");
    this.#timers.after("restart", pauseBeforeRestartMs(this.record.quickExits), async () => {
      this.record.restarts += 1;
      await this.start();
    });
  }

  #isLeaving(): boolean {
    const { state } = this.record;
    return state === "draining" || state === "stopping" || state === "exited";
  }

  #set(state: ReplicaState, because: string | undefined = this.record.because): void {
    const { record } = this;
    record.state = state;
    if (because === undefined) delete record.because;
    else record.because = because;
    this.#options.onChange();
  }
}
