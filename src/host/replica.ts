// One replica: started, probed, restarted with a growing pause, stopped with grace. Holds its process, its timers and
// nothing else; what should run is decided elsewhere.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Ms } from "../domain/frame.ts";
import type { ReplicaSpec, ReplicaState, SeenReplica, ServiceKey } from "./api.ts";
import { countExit, isCrashLoop, pauseBeforeRestartMs, settledAfterMs } from "./crash-loop.ts";
import { exitReason, livedFor } from "./exit-reason.ts";
import { ask, type ProbeAnswer } from "./probes.ts";
import { groupMembers, identify, isAlive, type ProcessIdentity, signalGroup } from "./process-identity.ts";
import { readExit, startShim, whyNotStartable } from "./shim.ts";
import { Timers } from "./timers.ts";

/** What survives the supervisor. */
export interface ReplicaRecord {
  readonly id: string;
  readonly service: ServiceKey;
  readonly revision: string;
  readonly slot: number;
  readonly logFile: string;
  state: ReplicaState;
  port: number;
  startedAt: Ms;
  restarts: number;
  quickExits: number;
  cut: number;
  run?: string;
  process?: ProcessIdentity;
  because?: string;
  broken?: string;
}

export interface ReplicaOptions {
  readonly record: ReplicaRecord;
  readonly spec: ReplicaSpec;
  readonly runs: string;
  readonly freePort: () => Promise<number>;
  /** State, port or reason changed: save, and reconsider the service. */
  readonly onChange: () => void;
}

export class Replica {
  readonly record: ReplicaRecord;
  readonly #options: ReplicaOptions;
  #spec: ReplicaSpec;
  readonly #timers = new Timers();
  #successes = 0;
  #failures = 0;
  #bornMs = performance.now();
  #stoppedBecause: string | undefined;
  #lastAnswer: ProbeAnswer | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#spec = options.spec;
    this.record = options.record;
  }

  get spec(): ReplicaSpec {
    return this.#spec;
  }

  /** The last answer of the readiness probe, with its body: a health document may be in it. */
  get lastAnswer(): ProbeAnswer | undefined {
    return this.#lastAnswer;
  }

  seen(): SeenReplica {
    const { id, state, port, startedAt, restarts, logFile, process, because } = this.record;
    const pid = process === undefined ? {} : { pid: process.pid };
    return { id, state, port, startedAt, restarts, logFile, ...pid, ...(because === undefined ? {} : { because }) };
  }

  async start(): Promise<void> {
    const { record } = this;
    const impossible = whyNotStartable(this.#spec);
    if (impossible !== undefined) {
      this.#giveUpFor(impossible);
      return;
    }
    record.port = await this.#options.freePort();
    if (this.#isLeaving()) return;
    record.run = join(this.#options.runs, `${record.id}.${Date.now().toString(36)}`);
    const shim = startShim({
      ...this.#spec,
      env: { ...this.#spec.env, PORT: String(record.port) },
      run: record.run,
      logFile: record.logFile,
    });
    shim.once("error", (error) => this.#giveUpFor(error.message));
    shim.once("exit", () => this.#shimEnded());
    if (shim.pid === undefined) return;
    record.process = identify(shim.pid) ?? { pid: shim.pid, start: "unknown" };
    record.startedAt = Date.now();
    this.#begin("starting");
  }

  /** Takes over what an earlier supervisor started: what was ready stays in service while we look again. */
  adopt(): void {
    const { record } = this;
    if (record.process === undefined) {
      this.#afterPause();
      return;
    }
    if (!isAlive(record.process)) {
      this.#shimEnded();
      return;
    }
    this.#timers.every("watch", 200, () => {
      if (record.process !== undefined && !isAlive(record.process)) this.#shimEnded();
    });
    // One that was being stopped is stopped again from the beginning: its grace is not known any more.
    if (this.#isLeaving()) this.#set("draining");
    else this.#begin(record.state);
  }

  /** Out of the router's table from now on; the process runs until `stop`. */
  drain(): void {
    if (this.#isLeaving()) return;
    this.#timers.clear("probe");
    this.#set(this.record.process === undefined ? "exited" : "draining");
  }

  /** SIGTERM, grace, SIGKILL. `inFlight` is read just before the kill and counted as cut. */
  stop(inFlight: () => Promise<number>): void {
    if (this.record.state === "stopping" || this.record.state === "exited") return;
    this.#stoppedBecause = "stopped as asked";
    this.#set("stopping");
    this.#terminate(inFlight);
  }

  /** The supervisor ends; the process goes on. */
  letGo(): void {
    this.#timers.clear();
  }

  #begin(state: ReplicaState): void {
    this.#bornMs = performance.now();
    this.#successes = 0;
    this.#failures = 0;
    this.#set(state);
    this.#probeIn(state === "starting" ? 20 : this.#spec.readiness.intervalMs * Math.random());
  }

  #probeIn(ms: Ms): void {
    this.#timers.after("probe", ms, async () => {
      const process = this.record.process;
      const target = { port: this.record.port, folder: this.#spec.folder, env: this.#spec.env };
      const answer = await ask(this.#spec.readiness, target);
      if (this.record.process !== process || process === undefined || this.#isLeaving()) return;
      this.#lastAnswer = answer;
      this.#take(answer);
      if (this.record.process === process && !this.#isLeaving()) this.#probeIn(this.#pauseMs());
    });
  }

  /** Until it is ready we look more often, so that a quick start is not paid with a whole interval. */
  #pauseMs(): Ms {
    const { intervalMs } = this.#spec.readiness;
    return this.record.state === "starting" ? Math.min(intervalMs, 100) : intervalMs;
  }

  #take(answer: ProbeAnswer): void {
    const { record } = this;
    const { healthyThreshold, unhealthyThreshold } = this.#spec.readiness;
    this.#successes = answer.ok ? this.#successes + 1 : 0;
    this.#failures = answer.ok ? 0 : this.#failures + 1;
    const livedMs = performance.now() - this.#bornMs;
    if (record.state === "ready") {
      if (livedMs > settledAfterMs(this.#spec.startWithinMs)) this.#forgive();
      if (!answer.ok && this.#failures >= unhealthyThreshold) this.#set("unready", answer.because);
      return;
    }
    if (answer.ok && this.#successes >= healthyThreshold) {
      this.#set("ready", undefined);
      return;
    }
    if (!answer.ok) record.because = answer.because;
    if (record.state === "starting" && livedMs > this.#spec.startWithinMs)
      this.#neverReady(record.because ?? "no answer");
  }

  #forgive(): void {
    if (this.record.quickExits === 0) return;
    this.record.quickExits = 0;
    delete this.record.broken;
    this.#options.onChange();
  }

  #neverReady(because: string): void {
    if (this.#stoppedBecause !== undefined) return;
    const why = `not ready within ${livedFor(this.#spec.startWithinMs)}: ${because}`;
    this.#stoppedBecause = why;
    this.record.broken = `never ready: ${why}`;
    this.#options.onChange();
    this.#terminate(async () => 0);
  }

  #terminate(inFlight: () => Promise<number>): void {
    const { record } = this;
    this.#timers.clear("probe");
    const process = record.process;
    if (process === undefined) {
      this.#ended(undefined);
      return;
    }
    signalGroup(process.pid, "SIGTERM");
    this.#timers.after("kill", this.#spec.graceMs, async () => {
      const cut = await inFlight();
      if (record.process !== process) return;
      record.cut += cut;
      this.#stoppedBecause = `${this.#stoppedBecause ?? "stopped"}; killed: did not end within ${livedFor(this.#spec.graceMs)} of SIGTERM`;
      signalGroup(process.pid, "SIGKILL");
    });
  }

  /** A shim that was itself killed leaves its command running: then that is what we watch. */
  #shimEnded(): void {
    const { record } = this;
    if (record.process === undefined) return;
    const pgid = record.process.pid;
    const status = record.run === undefined ? undefined : readExit(record.run);
    if (status === undefined && groupMembers(pgid).length > 0) {
      this.#timers.clear("watch");
      this.#timers.every("watch", 200, () => {
        if (groupMembers(pgid).length === 0) this.#ended(undefined);
      });
      return;
    }
    signalGroup(pgid, "SIGKILL");
    this.#ended(status);
  }

  #ended(status: number | undefined): void {
    const { record } = this;
    const livedMs = Math.max(0, Date.now() - record.startedAt);
    this.#timers.clear();
    delete record.process;
    if (record.run !== undefined) rmSync(record.run, { recursive: true, force: true });
    const program = this.#spec.command[0] ?? "";
    const stopped = this.#stoppedBecause === undefined ? {} : { stoppedBecause: this.#stoppedBecause };
    record.because = exitReason({ status, livedMs, program, ...stopped });
    this.#stoppedBecause = undefined;
    if (this.#isLeaving()) {
      this.#set("exited", record.because);
      return;
    }
    record.quickExits = countExit(record.quickExits, { livedMs, startWithinMs: this.#spec.startWithinMs });
    if (isCrashLoop(record.quickExits))
      record.broken ??= `crash loop: ended ${record.quickExits} times, last: ${record.because}`;
    if (status === 127) record.broken = record.because;
    this.#afterPause();
  }

  #giveUpFor(because: string): void {
    const { record } = this;
    delete record.process;
    record.quickExits += 1;
    record.because = because;
    record.broken = because;
    this.#afterPause();
  }

  #afterPause(): void {
    if (this.#isLeaving()) {
      this.#set("exited", this.record.because);
      return;
    }
    this.#set("backing off", this.record.because);
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
