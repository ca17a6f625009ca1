// The third holder of the listening sockets: a shell of 0.1 MiB that sleeps until neither supervisor nor router is left, and
// then becomes the next supervisor, which inherits the sockets from it. So both may be killed at the same moment and the
// kernel's backlog still keeps every new connection.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { lockOwner } from "./lock.ts";
import type { HostPaths } from "./paths.ts";
import { identify, isAlive, type ProcessIdentity } from "./replica/process-identity.ts";
import { hostEnvironment, inheritedBy, type TwinSettings } from "./twin.ts";
import { writeWhole } from "./whole-file.ts";

/**
 * Its standard input is the named pipe that supervisor and router hold open for writing: the kernel closes it when the last
 * of them is gone, however that came. A keeper that is not the one written down (a host that was stopped as asked, one that
 * was replaced) just ends. `exec` keeps the pid, so the one that is written down is the coming supervisor until it has the lock.
 */
const script = `
read -r _
grep -q "\\"pid\\":$$," "$1" 2>/dev/null || exit 0
shift
exec "$@" < /dev/null`;

export interface Keeper {
  /** Starts one that holds what is held now, then ends the one before. */
  renew(): void;
  /** The host is to end: nobody shall start it again. */
  end(): void;
}

export interface KeeperOptions {
  readonly paths: Pick<HostPaths, "keeper" | "alive">;
  readonly settings: () => TwinSettings;
  readonly log: (line: string) => void;
}

const renewAfterMs = 1_000;

export function keepKeeper({ paths, settings, log }: KeeperOptions): Keeper {
  let present: ChildProcess | undefined;
  let isDue = false;
  let isEnded = false;

  function renew(): void {
    isDue = false;
    if (isEnded || !existsSync(paths.alive)) return;
    const former = livingKeeper(paths.keeper);
    const next = begin();
    const identity = next.pid === undefined ? undefined : identify(next.pid);
    if (identity === undefined) {
      next.once("error", (error) => log(`nobody keeps the sockets beside us: ${error.message}`));
      return;
    }
    next.once("exit", () => {
      if (present === next) setTimeout(renew, renewAfterMs);
    });
    present = next;
    try {
      writeWhole(paths.keeper, JSON.stringify(identity));
    } catch (error) {
      log(`not written: ${error instanceof Error ? error.message : error}`);
    }
    if (former !== undefined) killKeeper(former);
  }

  function begin(): ChildProcess {
    const given = settings();
    const { descriptors, passed } = inheritedBy(given);
    const alive = openSync(paths.alive, "r"); // there is a writer: us
    const out = openSync(given.logFile, "a", 0o600);
    try {
      const next = [process.execPath, ...given.commands.supervisor];
      const child = spawn("/bin/sh", ["-c", script, "sluice-keeper", paths.keeper, ...next], {
        detached: true,
        cwd: "/",
        stdio: [alive, out, out, "ignore", ...descriptors],
        env: { ...hostEnvironment(), SLUICE_TWIN: JSON.stringify(passed) },
      });
      child.unref();
      return child;
    } finally {
      closeSync(alive);
      closeSync(out);
    }
  }

  return {
    renew: () => {
      if (!isDue) setImmediate(renew); // what changes together is kept together
      isDue = true;
    },
    end: () => {
      isEnded = true;
      const former = livingKeeper(paths.keeper);
      rmSync(paths.keeper, { force: true });
      if (former !== undefined) killKeeper(former);
    },
  };
}

/** By the supervisor, before it starts the router. Where there are no named pipes there is no keeper. */
export function makeAlive(file: string): void {
  if (!existsSync(file)) spawnSync("mkfifo", ["-m", "600", file]);
  holdAlive(file);
}

/** As long as this process lives it is seen to live. */
export function holdAlive(file: string): void {
  if (existsSync(file)) openSync(file, "r+"); // never closed; "r+" waits for nobody
}

/** The keeper, or the supervisor that it is just becoming; undefined when it is this very process. */
export function livingKeeper(file: string): ProcessIdentity | undefined {
  const identity = lockOwner(file);
  return identity?.pid === process.pid ? undefined : identity;
}

/** One that kept sockets for nobody: a host that is started by hand binds them anew. */
export async function dismissKeeper(file: string): Promise<void> {
  const former = livingKeeper(file);
  if (former === undefined) return;
  killKeeper(former);
  while (isAlive(former)) await new Promise((resolve) => setTimeout(resolve, 5));
}

function killKeeper({ pid }: ProcessIdentity): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended at this moment
  }
}
