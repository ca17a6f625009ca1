// One host, one control plane per data folder. The lock names its owner by pid and start time, so one left by a power cut holds nobody up.
import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Problem } from "../domain/problem.ts";
import { identify, isAlive, type ProcessIdentity } from "./replica/process-identity.ts";
import { readWhole } from "./whole-file.ts";

/** Takes the lock or throws a Problem that names the owner. `what`: what it is that there may be one of. */
export function takeLock(file: string, what = "host"): void {
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (isLinked(beside, file)) return;
      const owner = lockOwner(file);
      if (owner !== undefined) throw heldBy(owner, { file, what });
      setAsideIfStale(file);
    }
    throw new Problem(`the lock ${file} changes hands too fast`, `Start one ${what} at a time`);
  } finally {
    rmSync(beside, { force: true });
  }
}

export function releaseLock(file: string): void {
  if (lockOwner(file)?.pid === process.pid) rmSync(file, { force: true });
}

/** The living owner, if any. */
export function lockOwner(file: string): ProcessIdentity | undefined {
  const owner = parseOwner(readWhole(file));
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

function heldBy(owner: ProcessIdentity, { file, what }: { file: string; what: string }): Problem {
  return new Problem(
    `a ${what} already runs on this data folder (pid ${owner.pid}, lock ${file})`,
    "Use that one, stop it with `sluice down`, or choose another data folder",
  );
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Renames first and looks again: between our look and our rename another process may have put its own lock there. */
function setAsideIfStale(file: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // another process was faster
  }
  if (lockOwner(aside) !== undefined) isLinked(aside, file);
  rmSync(aside, { force: true });
}

function parseOwner(text: string | undefined): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value !== "object" || value === null || !("pid" in value) || !("start" in value)) return undefined;
    return typeof value.pid === "number" && typeof value.start === "string"
      ? { pid: value.pid, start: value.start }
      : undefined;
  } catch {
    return undefined; // half written: nobody holds it
  }
}
