// Supervisor and router keep each other alive: whoever sees the other gone starts it again with the listening descriptors
// inherited, so the kernel's backlog keeps every new connection meanwhile. Used by both; this file is their contract.
import { type ChildProcess, type SendHandle, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** "entry:production", "service:production/web" */
export type ListenerId = string;

/**
 * Given to the other process as JSON in SLUICE_TWIN. Its stdio is: 0 nothing, 1 and 2 a log file, 3 the IPC channel,
 * from 4 on the listening descriptors, which `listeners` names.
 */
export interface TwinSettings {
  readonly dataFolder: string;
  /** Node's arguments for each role: [script]. The router starts the supervisor with these, and the reverse. */
  readonly commands: { readonly supervisor: readonly string[]; readonly router: readonly string[] };
  /** Where the router answers: PUT /table, GET /table, GET /metrics, GET /intervals. Mode 0600. */
  readonly routerSocket: string;
  /** RouterTable as JSON, written before it is sent: the router serves it from its first moment. */
  readonly tableFile: string;
  readonly logFile: string;
  readonly listeners: Readonly<Record<ListenerId, number>>;
}

/** What goes over the IPC channel. */
export type TwinMessage =
  /** To the router, with the bound handle: listen on it (`server.listen(handle)`) and keep it for the supervisor's restart. */
  | { readonly kind: "listener"; readonly id: ListenerId }
  /** To the router: close this listener and forget it. */
  | { readonly kind: "forget"; readonly id: ListenerId }
  /** To the router: do not restart the supervisor any more, stop accepting, let requests finish, exit. */
  | { readonly kind: "stop"; readonly drainTimeoutMs: number }
  /** From the router, once it serves: a successor's sign that its predecessor may go. */
  | { readonly kind: "ready" };

type TwinRole = "supervisor" | "router";

export interface Twin {
  send(message: TwinMessage, handle?: SendHandle): void;
  /** From now on the other's end is not mended. */
  letGo(): void;
  pid(): number | undefined;
  /**
   * Starts a successor of the other with the present settings and lets the present one drain and go once the successor
   * has said `ready`. When that does not happen the present one stays, and this rejects.
   */
  succeed(drainTimeoutMs: number): Promise<void>;
}

export interface TwinOptions {
  readonly other: TwinRole;
  /** Read each time the other is started: `listeners` are this process's present descriptors. */
  readonly settings: () => TwinSettings;
  readonly onMessage?: (message: TwinMessage, handle: unknown) => void;
  readonly onRestart?: (because: string) => void;
  readonly onStart?: (pid: number) => void;
}

/** Settings from the environment; undefined when this process was started by hand. */
export function twinSettings(env: NodeJS.ProcessEnv = process.env): TwinSettings | undefined {
  return env.SLUICE_TWIN === undefined ? undefined : JSON.parse(env.SLUICE_TWIN);
}

type Link = ChildProcess | NodeJS.Process;

const successorWithinMs = 10_000;
const pauseMaxMs = 2_000;
/** One that lived so long did not fail at its start: the next start does not wait. */
const settledAfterMs = 2_000;

/** Attaches to the process that started us, or starts the other; restarts it whenever it ends, with a pause that grows. */
export function keepTwin(options: TwinOptions): Twin {
  let link: Link | undefined;
  let isHeld = true;
  let pauseMs = 0;

  function attach(to: Link): void {
    link = to;
    to.on("message", (message: TwinMessage, handle: unknown) => {
      if (link === to) options.onMessage?.(message, handle);
    });
  }

  function start(): void {
    if (!isHeld) return;
    const startedAt = performance.now();
    const child = begin();
    attach(child);
    onEnd(child, (because) => {
      if (performance.now() - startedAt > settledAfterMs) pauseMs = 0;
      mend(child, because);
    });
  }

  function begin(): ChildProcess {
    const child = startTwin(options.other, options.settings());
    if (child.pid !== undefined) options.onStart?.(child.pid);
    return child;
  }

  /** Only the end of the present one is mended: a predecessor ends as it should. */
  function mend(gone: Link, because: string): void {
    if (!isHeld || link !== gone) return;
    link = undefined;
    options.onRestart?.(because);
    setTimeout(start, pauseMs);
    pauseMs = Math.min(pauseMaxMs, pauseMs === 0 ? 100 : pauseMs * 2);
  }

  async function succeed(drainTimeoutMs: number): Promise<void> {
    const former = link;
    const successor = begin();
    await untilReady(successor);
    attach(successor);
    onEnd(successor, (because) => mend(successor, because));
    if (former === undefined) return;
    former.send?.({ kind: "stop", drainTimeoutMs } satisfies TwinMessage);
    await untilEnded(former);
  }

  if (process.connected) {
    attach(process);
    process.once("disconnect", () => mend(process, "its channel closed"));
  } else start();

  return {
    send: (message, handle) => void link?.send?.(message, handle),
    letGo: () => {
      isHeld = false;
    },
    pid: () => (link === process ? process.ppid : link?.pid),
    succeed,
  };
}

function onEnd(child: ChildProcess, tell: (because: string) => void): void {
  child.once("error", (error) => tell(error.message));
  child.once("exit", (code, signal) => tell(signal ?? `exit code ${code}`));
}

function untilReady(successor: ChildProcess): Promise<void> {
  return new Promise((ready, failed) => {
    const deadline = setTimeout(() => {
      successor.kill("SIGKILL");
      failed(new Error(`the successor was not ready within ${successorWithinMs} ms`));
    }, successorWithinMs);
    successor.on("message", (message: TwinMessage) => {
      if (message.kind !== "ready") return;
      clearTimeout(deadline);
      ready();
    });
    onEnd(successor, (because) => {
      clearTimeout(deadline);
      failed(new Error(`the successor ended: ${because}`));
    });
  });
}

function untilEnded(predecessor: Link): Promise<void> {
  return new Promise((ended) => {
    if (predecessor === process) process.once("disconnect", () => ended());
    else predecessor.once("exit", () => ended());
  });
}

/** The listening descriptors in order, and the settings with the numbers that they will have from 4 on. */
export function inheritedBy(settings: TwinSettings): { descriptors: readonly number[]; passed: TwinSettings } {
  const ids = Object.keys(settings.listeners);
  const descriptors = ids.map((id) => settings.listeners[id] ?? 0);
  return { descriptors, passed: { ...settings, listeners: Object.fromEntries(ids.map((id, i) => [id, 4 + i])) } };
}

function startTwin(role: TwinRole, settings: TwinSettings): ChildProcess {
  const { descriptors, passed } = inheritedBy(settings);
  const log = openSync(settings.logFile, "a", 0o600);
  try {
    return spawn(process.execPath, [...settings.commands[role]], {
      detached: true,
      cwd: "/",
      stdio: ["ignore", log, log, "ipc", ...descriptors],
      env: { ...hostEnvironment(), SLUICE_TWIN: JSON.stringify(passed) },
    });
  } finally {
    closeSync(log);
  }
}

/** What the host's own processes need of an environment. What `sluice up` was started with may hold secrets: it ends here. */
export function hostEnvironment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
