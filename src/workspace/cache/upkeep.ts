// What the local cache has, and how it is kept within its limits.
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Shelf } from "./scope.ts";
import { changedAtMs, shelfIn } from "./store.ts";

export type Stored = Readonly<{ key: string; shelf: Shelf; file: string; bytes: number; usedAtMs: number }>;

/** Every entry, longest unused first. Leftovers of killed writers that are a day old are removed on the way. */
export function listStore(folder: string): readonly Stored[] {
  const shelves: readonly Shelf[] = [
    "trusted",
    ...read(join(folder, "untrusted")).map((name): Shelf => `untrusted/${name}`),
  ];
  return shelves.flatMap((shelf) => listShelf(shelfIn(folder, shelf), shelf)).sort((a, b) => a.usedAtMs - b.usedAtMs);
}

function listShelf(folder: string, shelf: Shelf): readonly Stored[] {
  const found: Stored[] = [];
  for (const part of read(folder)) {
    for (const key of read(join(folder, part))) {
      const file = join(folder, part, key);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (!stat?.isFile()) continue;
      if (key.endsWith(".tmp")) {
        if (Date.now() - stat.mtimeMs > 86_400_000) rmSync(file, { force: true });
      } else found.push({ key, shelf, file, bytes: stat.size, usedAtMs: stat.mtimeMs });
    }
  }
  return found;
}

/** Everything that is the cache's, and nothing else: the folder may be one that somebody named by mistake. */
export function clearStore(folder: string): void {
  const own = read(folder).filter((name) => /^(?:[0-9a-f]{2}|untrusted|pruned)$/.test(name));
  for (const name of own) rmSync(join(folder, name), { recursive: true, force: true });
}

export type Limits = Readonly<{ sizeMaxBytes: number; ageMaxMs: number; nowMs: number }>;

/** Removes what is too old, then what is longest unused, until the rest fits. */
export function prune(folder: string, { sizeMaxBytes, ageMaxMs, nowMs }: Limits): readonly Stored[] {
  const all = listStore(folder);
  let total = all.reduce((sum, e) => sum + e.bytes, 0);
  const gone = all.filter((entry) => {
    const goes = nowMs - entry.usedAtMs > ageMaxMs || total > sizeMaxBytes;
    if (goes) total -= entry.bytes;
    return goes;
  });
  for (const { file } of gone) rmSync(file, { force: true });
  return gone;
}

/** At most once a day: pruning by default keeps a store from growing without end. */
export function pruneDaily(folder: string, limits: Limits): void {
  const mark = join(folder, "pruned");
  const lastMs = changedAtMs(mark) ?? 0;
  if (limits.nowMs - lastMs < 86_400_000) return;
  try {
    writeFileSync(mark, "");
    prune(folder, limits);
  } catch {
    // read-only, or no cache yet
  }
}

function read(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
