// Texts that are not in the working tree: of the base, and of files that a sparse checkout leaves out.
import { spawnSync } from "node:child_process";
import { git, gitEnvironment } from "./git.ts";
import type { FileEntry } from "./listing.ts";
import { must } from "./worktree.ts";

/** By path, from one git process. Links and submodules have none. */
export async function textsOf(root: string, entries: readonly FileEntry[]): Promise<ReadonlyMap<string, string>> {
  const files = entries.filter((e) => e.content.startsWith("100"));
  if (files.length === 0) return new Map();
  return parseBatch(must(await git(root, ["cat-file", "--batch"], asked(files))), files);
}

/** The same where nobody can wait: for what is read file by file, and rarely missing. */
export function textsNow(root: string, entries: readonly FileEntry[]): ReadonlyMap<string, string> {
  const files = entries.filter((e) => e.content.startsWith("100"));
  const options = { cwd: root, env: gitEnvironment(), input: asked(files), maxBuffer: Number.POSITIVE_INFINITY };
  const { status, stdout } = spawnSync("git", ["cat-file", "--batch"], options);
  return status === 0 ? parseBatch(stdout, files) : new Map();
}

function asked(files: readonly FileEntry[]): string {
  return files.map(({ content }) => `${content.slice(7)}\n`).join("");
}

function parseBatch(out: Buffer, files: readonly FileEntry[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let at = 0;
  for (const { path } of files) {
    const end = out.indexOf(10, at);
    const size = Number(/ blob (\d+)$/.exec(out.toString("latin1", at, end))?.[1]);
    if (Number.isNaN(size)) {
      at = end + 1;
      continue;
    }
    texts.set(path, out.toString("utf8", end + 1, end + 1 + size));
    at = end + 2 + size;
  }
  return texts;
}
