// Files that a crash or a power cut leaves either as they were or as they should be: written beside, synced, renamed.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Problem } from "../domain/problem.ts";

export function writeWhole(file: string, content: string): void {
  const beside = `${file}.${process.pid}.part`;
  try {
    const descriptor = openSync(beside, "w", 0o600);
    try {
      writeFileSync(descriptor, content); // goes on after a short write, which one writeSync would not
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(beside, { force: true });
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error;
    throw new Problem(`no space is left for ${file}`, "Free some, for instance old logs, and try again");
  }
}

/** The content, or undefined when there is no such file, or no such process where the file tells of one. */
export function readWhole(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
