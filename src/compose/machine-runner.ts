// The runner of this machine as something that runs at most once in its folder, and ends with `sluice down`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockOwner, releaseLock, takeLock } from "../host/lock.ts";

const withinMs = 15_000;

function lockOf(folder: string): string {
  return join(folder, "runner.lock");
}

/** Throws a Problem when a runner works there already; answers how to give it back. */
export function holdRunner(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  takeLock(lockOf(folder), "runner");
  return () => releaseLock(lockOf(folder));
}

export function isRunnerHere(folder: string): boolean {
  return lockOwner(lockOf(folder)) !== undefined;
}

/** False when there was none. Its build goes to another. */
export async function stopRunner(dataFolder: string): Promise<boolean> {
  const lock = lockOf(join(dataFolder, "runner"));
  const owner = lockOwner(lock);
  if (owner === undefined) return false;
  process.kill(owner.pid, "SIGTERM");
  for (const until = Date.now() + withinMs; Date.now() < until && lockOwner(lock) !== undefined; ) await sleep(50);
  return true;
}
