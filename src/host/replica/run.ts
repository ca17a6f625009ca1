// One run of a replica's command, from start or adoption to its end: the shim, its limits, SIGTERM, grace, SIGKILL, and
// why it ended.
import { rmSync } from "node:fs";
import { constants } from "node:os";
import type { Ms } from "../../domain/frame.ts";
import type { ReplicaSpec } from "../api.ts";
import { Timers } from "../timers.ts";
import { leaveContainer } from "./container.ts";
import { endEscaped } from "./escaped.ts";
import { exitReason, livedFor } from "./exit-reason.ts";
import type { Limiter } from "./limiter.ts";
import { ageMs, groupMembers, identify, isAlive, type ProcessIdentity, signalGroup } from "./process-identity.ts";
import { readExit, startShim } from "./shim.ts";
import { startedWith } from "./started-with.ts";

/** What survives the supervisor. */
export interface RunRecord {
  /** With its pid and exit status. */
  readonly folder: string;
  readonly process: ProcessIdentity;
  readonly startedAt: Ms;
}

export interface RunOptions {
  readonly spec: ReplicaSpec;
  readonly limiter: Limiter;
  readonly onEnd: (end: RunEnd) => void;
}

export interface RunEnd {
  readonly livedMs: Ms;
  readonly because: string;
}

const lookEveryMs = 200;

export class Run {
  readonly record: RunRecord;
  readonly #options: RunOptions;
  readonly #timers = new Timers();
  #stoppedBecause: string | undefined;
  #isOver = false;
  /** By the monotonic clock: a wall clock that jumps makes nobody older. */
  readonly #bornMs: number;

  /** Throws when the shim itself cannot be started. */
  static start(options: RunOptions & { folder: string; port: number; logFile: string }): Run {
    const { spec, folder, port, logFile, limiter } = options;
    const cgroups = limiter.admit(folder, spec);
    const env = { ...spec.env, PORT: String(port) };
    const start = startedWith(spec, { run: folder, env });
    const shim = startShim({ folder: spec.folder, ...start, run: folder, logFile, cgroups });
    if (shim.pid === undefined) {
      shim.once("error", () => {});
      throw new Error(`/bin/sh could not be started in ${spec.folder}`);
    }
    const process = identify(shim.pid) ?? { pid: shim.pid, start: "ended at once" };
    const run = new Run({ folder, process, startedAt: Date.now() }, options);
    shim.once("exit", (_, signal) => run.#shimEnded(signal === null ? undefined : 128 + constants.signals[signal]));
    return run;
  }

  /** Of an earlier supervisor; `onEnd` is called soon when it is over. */
  static adopt(record: RunRecord, options: RunOptions): Run {
    const run = new Run(record, options);
    run.#timers.every("look", lookEveryMs, () => {
      if (!isAlive(record.process)) run.#shimEnded();
    });
    // One that ended while nobody looked is found out before anybody is told that it serves.
    queueMicrotask(() => {
      if (!isAlive(record.process)) run.#shimEnded();
    });
    return run;
  }

  private constructor(record: RunRecord, options: RunOptions) {
    this.record = record;
    this.#options = options;
    this.#bornMs = performance.now() - ageMs(record.process, record.startedAt);
    options.limiter.watch(record.folder, { pgid: record.process.pid, limits: options.spec });
  }

  /** `onKill` is waited for just before the SIGKILL, when grace was not enough. */
  terminate({ because, onKill }: { because: string; onKill: () => Promise<void> }): void {
    if (this.#stoppedBecause !== undefined) return;
    this.#stoppedBecause = because;
    const { pid } = this.record.process;
    const { graceMs } = this.#options.spec;
    signalGroup(pid, "SIGTERM");
    this.#timers.after("kill", graceMs, async () => {
      await onKill();
      if (this.#isOver) return;
      this.#stoppedBecause = `${because}; killed: did not end within ${livedFor(graceMs)} of SIGTERM`;
      signalGroup(pid, "SIGKILL");
    });
  }

  /** The supervisor ends; the process goes on. */
  letGo(): void {
    this.#timers.clear();
    this.#isOver = true;
  }

  /** A shim that was itself killed leaves its command running: then that is what we watch. */
  #shimEnded(killedBy?: number): void {
    if (this.#isOver) return;
    const { folder, process } = this.record;
    const status = readExit(folder);
    if (status === undefined && groupMembers(process.pid).length > 0) {
      // Gone by the first look: the whole group was killed, and its last process took a moment to go.
      let known = killedBy;
      this.#timers.clear("look");
      this.#timers.every("look", lookEveryMs, () => {
        if (groupMembers(process.pid).length === 0) this.#end(known);
        known = undefined;
      });
      return;
    }
    this.#end(status ?? killedBy);
  }

  #end(status: number | undefined): void {
    const { folder, process } = this.record;
    this.letGo();
    signalGroup(process.pid, "SIGKILL");
    endEscaped(folder);
    const { container } = this.#options.spec;
    const { wasOverMemory } = this.#options.limiter.release(folder, container && (() => leaveContainer(folder)));
    rmSync(folder, { recursive: true, force: true });
    const livedMs = performance.now() - this.#bornMs;
    const { command, memoryMiB } = this.#options.spec;
    const stopped = wasOverMemory ? `killed: used more than ${memoryMiB} MiB` : this.#stoppedBecause;
    const program = command[0] ?? "";
    const because = exitReason({
      status,
      livedMs,
      program,
      ...(stopped === undefined ? {} : { stoppedBecause: stopped }),
    });
    this.#options.onEnd({ livedMs, because });
  }
}
