// `.env` files are inputs although git ignores them. A directory's listing is read again only when its time changed.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { contentAt } from "../git/worktree.ts";
import type { Workspace } from "../graph/workspace.ts";

export type Dotenv = Readonly<{
  /** `name content` of each, or "". */
  of: (dir: string) => string;
}>;

const example = /\.(?:example|sample|template|dist|schema|defaults)$/;
const form = "dotenv 1";
type Memory = Readonly<Record<string, readonly [ctimeMs: number, names: readonly string[]]>>;

export function dotenvOf(root: string, dirs: readonly string[]): Dotenv {
  const file = join(stateFolder(root), "graph", "dotenv");
  const known = readSealedJson<Memory>(file, form) ?? {};
  const next: Record<string, readonly [number, readonly string[]]> = {};
  const found = new Map<string, string>();
  const settledMs = Date.now() - 2000; // a directory changed just now may change again within its clock's tick
  let isNew = false;
  for (const dir of dirs) {
    const ctimeMs = lstatSync(join(root, dir), { throwIfNoEntry: false })?.ctimeMs ?? 0;
    const old = known[dir];
    const isKnown = old !== undefined && old[0] === ctimeMs;
    const names = isKnown ? old[1] : listed(join(root, dir));
    if (ctimeMs < settledMs) next[dir] = [ctimeMs, names];
    if (!isKnown && ctimeMs < settledMs) isNew = true;
    if (names.length > 0) found.set(dir, contentsOf(root, dir, names));
  }
  if (isNew) writeSealed(file, form, JSON.stringify(next));
  return { of: (dir) => found.get(dir) ?? "" };
}

/** As they are now. */
export function dotenvAt(root: string, dir: string): string {
  return contentsOf(root, dir, listed(join(root, dir)));
}

function contentsOf(root: string, dir: string, names: readonly string[]): string {
  return names.map((name) => `${name} ${contentAt(root, dir ? `${dir}/${name}` : name) ?? ""}`).join("\n");
}

/** As git has them: all that can be compared with another state of the repository. */
export function trackedDotenv(workspace: Workspace): Dotenv {
  return {
    of: (dir) =>
      workspace
        .filesOf(dir)
        .map(({ path, content }) => ({ name: dir ? path.slice(dir.length + 1) : path, content }))
        .filter(({ name }) => isDotenv(name))
        .map(({ name, content }) => `${name} ${content}`)
        .join("\n"),
  };
}

/** The name of a file directly in a project. */
export function isDotenv(name: string): boolean {
  return name.startsWith(".env") && !name.includes("/") && !example.test(name);
}

function listed(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter(isDotenv).sort();
  } catch {
    return [];
  }
}
