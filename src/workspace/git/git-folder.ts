// What can be known of a repository without git itself: where its folder is, and whether its index is the one of last time.
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Where the index is: `.git` may be a directory above the workspace, or a file in a linked worktree. */
export function gitFolder(root: string): Readonly<{ top: string; folder: string }> | undefined {
  for (let at = resolve(root); ; at = dirname(at)) {
    const dot = join(at, ".git");
    const stat = statSync(dot, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return { top: at, folder: dot };
    if (stat?.isFile()) {
      const to = /^gitdir: (.*)$/m.exec(readFileSync(dot, "utf8"))?.[1];
      if (to) return { top: at, folder: resolve(at, to) };
    }
    if (dirname(at) === at) return undefined;
  }
}

/** The index's own checksum: the same stamp means the same listing. Undefined where git keeps none (`index.skipHash`). */
export function indexStamp(folder: string): string | undefined {
  if (process.env.GIT_INDEX_FILE || process.env.GIT_DIR) return undefined;
  let file: number;
  try {
    file = openSync(join(folder, "index"), "r");
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(20);
    readSync(file, tail, 0, 20, Math.max(0, size - 20));
    return tail.every((b) => b === 0) ? undefined : `${size}-${tail.toString("hex")}`;
  } finally {
    closeSync(file);
  }
}
