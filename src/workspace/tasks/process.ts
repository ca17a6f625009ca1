// One command, in a process group of its own, so that ending it ends all that it started.
import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { theGuard } from "./guard.ts";

export type Ended = Readonly<{ status: number; log: Buffer; isTimedOut: boolean }>;

export type Start = Readonly<{
  command: string;
  cwd: string;
  root: string;
  env: Readonly<Record<string, string>>;
  isPersistent: boolean;
  onOutput: (chunk: Buffer) => void;
  timeoutMs: number | undefined;
  /** A program and its arguments that start the command and watch it. */
  watcher?: readonly string[];
}>;

export type Running = Readonly<{
  pid: number | undefined;
  ended: Promise<Ended>;
  stop: (signal: NodeJS.Signals) => void;
}>;

const graceMs = 5000;
/** Beyond this a timer fires at once. */
const timerMaxMs = 2 ** 31 - 1;
const running = new Set<ChildProcess>();

export function start({ command, cwd, root, env, isPersistent, onOutput, timeoutMs, watcher = [] }: Start): Running {
  const at = join(root, cwd);
  const [program = "sh", ...args] = [...watcher, "sh", "-c", command];
  const guard = theGuard();
  const child = spawn(program, args, {
    cwd: at,
    env: { ...env, PWD: at, PATH: searchPath(at, root, env.PATH ?? "") },
    stdio: [isPersistent ? "inherit" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  const release = guard.watch(child.pid);
  const chunks: Buffer[] = [];
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    onOutput(chunk);
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.min(timeoutMs, timerMaxMs));
  limit?.addEventListener("abort", () => signalGroup(child, "SIGKILL"));
  const ended = new Promise<Ended>((done) => {
    const end = (status: number, note = "") => {
      running.delete(child);
      release();
      if (note) take(Buffer.from(note));
      done({ status, log: Buffer.concat(chunks), isTimedOut: limit?.aborted ?? false });
    };
    child.on("error", (error) => end(127, `${error.message}\n`));
    child.on("exit", () => {
      if (!isPersistent) void endRest(child);
    });
    child.on("close", (code, signal) => end(code ?? (signal === "SIGINT" ? 130 : 137)));
  });
  return { pid: child.pid, ended, stop: (signal) => signalGroup(child, signal) };
}

/**
 * What a task leaves behind in its group ends with it: asked first, then made to. What left the group (a daemon) goes on,
 * but not as part of the task, though it may hold its pipes open.
 */
async function endRest(child: ChildProcess): Promise<void> {
  signalGroup(child, "SIGTERM");
  for (const until = Date.now() + graceMs; running.has(child) && Date.now() < until && signalGroup(child, 0); )
    await wait(50, undefined, { ref: false });
  if (!running.has(child)) return;
  signalGroup(child, "SIGKILL");
  await wait(200, undefined, { ref: false }); // what it said last is still on its way
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** Asks all that runs to end. */
export function stopAll(signal: NodeJS.Signals): void {
  for (const child of running) signalGroup(child, signal);
}

export function runningCount(): number {
  return running.size;
}

/** False when nothing of the group is left. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return child.pid !== undefined && process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

/** `node_modules/.bin` of the project and of every directory up to the root, as npm puts them before PATH. */
function searchPath(cwd: string, root: string, path: string): string {
  const bins: string[] = [];
  for (let at = resolve(cwd); ; at = dirname(at)) {
    bins.push(join(at, "node_modules/.bin"));
    if (at === resolve(root) || dirname(at) === at) break;
  }
  return [...bins, path].join(":");
}
