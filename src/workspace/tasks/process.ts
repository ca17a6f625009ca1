// One command, in a process group of its own, so that ending it ends all that it started.
import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

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

const running = new Set<ChildProcess>();
/** What left the task's process group may hold its pipes open: nobody waits for that. */
const pipesMs = 2000;

export function start({ command, cwd, root, env, isPersistent, onOutput, timeoutMs, watcher = [] }: Start): Running {
  const at = join(root, cwd);
  const [program = "sh", ...args] = [...watcher, "sh", "-c", command];
  const child = spawn(program, args, {
    cwd: at,
    env: { ...env, PWD: at, PATH: searchPath(at, root, env.PATH ?? "") },
    stdio: [isPersistent ? "inherit" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  const chunks: Buffer[] = [];
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    onOutput(chunk);
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  limit?.addEventListener("abort", () => signalGroup(child, "SIGKILL"));
  const ended = new Promise<Ended>((done) => {
    const end = (status: number, note = "") => {
      running.delete(child);
      if (note) take(Buffer.from(note));
      done({ status, log: Buffer.concat(chunks), isTimedOut: limit?.aborted ?? false });
    };
    child.on("error", (error) => end(127, `${error.message}\n`));
    // What a task leaves behind in its group ends with it; else a forgotten server would hold the pipes open.
    child.on("exit", () => {
      if (isPersistent) return;
      signalGroup(child, "SIGTERM");
      void wait(pipesMs, undefined, { ref: false }).then(() =>
        [child.stdout, child.stderr].map((pipe) => pipe?.destroy()),
      );
    });
    child.on("close", (code, signal) => end(code ?? (signal === "SIGINT" ? 130 : 137)));
  });
  return { pid: child.pid, ended, stop: (signal) => signalGroup(child, signal) };
}

/** Asks all that runs to end. */
export function stopAll(signal: NodeJS.Signals): void {
  for (const child of running) signalGroup(child, signal);
}

export function runningCount(): number {
  return running.size;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // nothing of the group is left
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
