// Keeps logs from filling the disk. A replica holds its file open in append mode and cannot be told to open another, so
// the file is copied aside and cut to nothing; what is printed between the copy and the cut, microseconds, is lost.
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Ms } from "../../domain/frame.ts";

export interface RotationLimits {
  readonly bytesMax: number;
  /** Older parts beside the present one. */
  readonly partsMax: number;
  readonly ageMaxMs: Ms;
}

export const rotationLimits: RotationLimits = { bytesMax: 20 * 2 ** 20, partsMax: 3, ageMaxMs: 14 * 86_400_000 };

/** web-1.log → web-1.log.1 → web-1.log.2 … */
export function rotate(file: string, limits: RotationLimits): void {
  if (!existsSync(file) || statSync(file).size <= limits.bytesMax) return;
  rmSync(`${file}.${limits.partsMax}`, { force: true });
  for (let part = limits.partsMax - 1; part > 0; part--)
    if (existsSync(`${file}.${part}`)) renameSync(`${file}.${part}`, `${file}.${part + 1}`);
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
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
    else if (file.endsWith(".log")) rotate(file, limits);
  }
}
