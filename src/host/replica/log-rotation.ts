// Keeps logs from filling the disk. A replica holds its file open in append mode and cannot be told to open another, so
// the file is copied aside and cut to nothing; what is printed between the copy and the cut, microseconds, is lost.
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Ms } from "../../domain/frame.ts";

export interface RotationLimits {
  readonly bytesMax: number;
  /** Older parts beside the present one. */
  readonly partsMax: number;
  /** A part is begun at the latest so long after the one before. */
  readonly partAgeMaxMs: Ms;
  /** Then a part goes. */
  readonly ageMaxMs: Ms;
}

const dayMs: Ms = 86_400_000;
export const rotationLimits: RotationLimits = {
  bytesMax: 10 * 2 ** 20,
  partsMax: 7,
  partAgeMaxMs: dayMs,
  ageMaxMs: 14 * dayMs,
};

/** web-1.log → web-1.log.1 → web-1.log.2 … */
export function rotate(file: string, limits: RotationLimits, nowMs: Ms): void {
  if (!isFull(file, limits, nowMs)) return;
  rmSync(`${file}.${limits.partsMax}`, { force: true });
  for (let part = limits.partsMax - 1; part > 0; part--)
    if (existsSync(`${file}.${part}`)) renameSync(`${file}.${part}`, `${file}.${part + 1}`);
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** By size, or by the age of its first line: the copy before it was made then. */
function isFull(file: string, { bytesMax, partAgeMaxMs }: RotationLimits, nowMs: Ms): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || stat.size === 0) return false;
  const begunMs = statSync(`${file}.1`, { throwIfNoEntry: false })?.mtimeMs ?? stat.birthtimeMs;
  return stat.size > bytesMax || nowMs - begunMs > partAgeMaxMs;
}

/** Rotates every log below the folder; removes parts, and logs that nobody holds open, once they are too old. */
export function tendLogs(
  folder: string,
  { held, limits, nowMs }: { held: ReadonlySet<string>; limits: RotationLimits; nowMs: Ms },
): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if (!held.has(file) && nowMs - statSync(file).mtimeMs > limits.ageMaxMs) rmSync(file);
    else if (file.endsWith(".log")) rotate(file, limits, nowMs);
  }
}
