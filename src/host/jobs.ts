// One-off jobs: run once under a key, in an artifact's folder, with the replicas' shim; the result is kept and can be
// asked for again, also after the supervisor was restarted in the middle.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Ms } from "../domain/frame.ts";
import type { Container } from "./api.ts";
import { leaveContainer } from "./replica/container.ts";
import { exitReason } from "./replica/exit-reason.ts";
import { lastLines } from "./replica/logs.ts";
import { ageMs, identify, isAlive, type ProcessIdentity, signalGroup } from "./replica/process-identity.ts";
import { readExit, startShim } from "./replica/shim.ts";
import { startedWith, whyNotStarted } from "./replica/started-with.ts";
import { readWhole, writeWhole } from "./whole-file.ts";

export interface JobSpec extends JobPlace {
  /** Same key, same job: it runs once. */
  readonly key: string;
  readonly command: readonly string[];
  readonly timeoutMs: Ms;
}

/** As a replica's. */
export interface JobPlace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly container?: Container;
}

export type SeenJob =
  | { readonly state: "running"; readonly startedAt: Ms; readonly lines: readonly string[] }
  | {
      readonly state: "ended";
      readonly startedAt: Ms;
      readonly endedAt: Ms;
      /** Undefined when nobody saw its end: the machine went down. */
      readonly exitCode?: number;
      readonly because: string;
      readonly lines: readonly string[];
    };

interface JobRecord {
  readonly key: string;
  readonly command: readonly string[];
  readonly startedAt: Ms;
  readonly timeoutMs: Ms;
  readonly process?: ProcessIdentity;
  readonly because?: string;
}

const keptLines = 200;
/** A job that runs once a month still shows its last run. */
const keptMs: Ms = 35 * 86_400_000;

/** Starts the job, or finds the one that was started under its key. */
export function startJob(jobs: string, spec: JobSpec): SeenJob {
  const run = folderOf(jobs, spec.key);
  const before = seeJob(jobs, spec.key);
  if (before !== undefined) return before;
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const { key, command, timeoutMs } = spec;
  const record: JobRecord = { key, command, timeoutMs, startedAt: Date.now() };
  const impossible = whyNotStarted(spec);
  // Written before the start as well: a job whose start nobody can confirm is not started a second time.
  writeRecord(run, impossible === undefined ? record : { ...record, because: impossible });
  if (impossible === undefined) {
    const start = startedWith(spec, { run, env: spec.env });
    const shim = startShim({ folder: spec.folder, ...start, run, logFile: join(run, "output.log") });
    shim.once("error", (error) => writeRecord(run, { ...record, because: error.message }));
    const identity = shim.pid === undefined ? undefined : identify(shim.pid);
    if (identity !== undefined) writeRecord(run, { ...record, process: identity });
  }
  return seeJob(jobs, key) ?? { state: "running", startedAt: record.startedAt, lines: [] };
}

export function seeJob(jobs: string, key: string): SeenJob | undefined {
  const run = folderOf(jobs, key);
  const text = readWhole(join(run, "job.json"));
  if (text === undefined) return undefined;
  const record: JobRecord = JSON.parse(text);
  const lines = lastLines(join(run, "output.log"), keptLines);
  const { startedAt } = record;
  if (readExit(run) === undefined && record.process !== undefined && isAlive(record.process)) {
    if (ageMs(record.process, startedAt) <= record.timeoutMs) return { state: "running", startedAt, lines };
    return ended(run, overrun(run, record), lines);
  }
  return ended(run, record, lines);
}

/** Ends what ran too long although nobody asks, and forgets what ended long ago. */
export function tendJobs(jobs: string, nowMs: Ms): void {
  for (const name of readdirSync(jobs)) {
    const run = join(jobs, name);
    const text = readWhole(join(run, "job.json"));
    if (text === undefined) continue;
    const record: JobRecord = JSON.parse(text);
    if (nowMs - record.startedAt > keptMs) rmSync(run, { recursive: true, force: true });
    else seeJob(jobs, record.key);
  }
}

function overrun(run: string, record: JobRecord): JobRecord {
  if (record.process !== undefined) signalGroup(record.process.pid, "SIGKILL");
  const over = { ...record, because: `killed: ran longer than ${record.timeoutMs / 1000} s` };
  writeRecord(run, over);
  return over;
}

function ended(run: string, record: JobRecord, lines: readonly string[]): SeenJob {
  leave(run);
  const exitCode = readExit(run);
  const endedAt = endOf(run);
  const program = record.command[0] ?? "";
  const stopped = record.because === undefined ? {} : { stoppedBecause: record.because };
  const livedMs = Math.max(0, endedAt - record.startedAt);
  const because = record.because ?? exitReason({ status: exitCode, livedMs, program, ...stopped });
  return {
    state: "ended",
    startedAt: record.startedAt,
    endedAt,
    because,
    lines,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

/** What a container left: its layer is not kept with what it printed. */
function leave(run: string): void {
  leaveContainer(run);
  rmSync(join(run, "bundle"), { recursive: true, force: true });
}

/** When the exit status was written; without one, when it was last written down why. */
function endOf(run: string): Ms {
  const [exit, record] = ["exit", "job.json"].map((name) => statSync(join(run, name), { throwIfNoEntry: false }));
  return Math.round(exit?.mtimeMs ?? record?.mtimeMs ?? 0);
}

function folderOf(jobs: string, key: string): string {
  return join(jobs, createHash("sha256").update(key).digest("hex").slice(0, 32));
}

function writeRecord(run: string, record: JobRecord): void {
  writeWhole(join(run, "job.json"), JSON.stringify(record));
}
