// Looks again after a task ran: a source that changed meanwhile means that the result belongs to neither content.
import { lstatSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { git, splitNul } from "../git/git.ts";
import type { FileEntry } from "../git/listing.ts";
import { contentAt } from "../git/worktree.ts";
import { matcher } from "../glob.ts";
import type { Task } from "./pipeline.ts";

export type Watched = Readonly<{
  root: string;
  task: Task;
  /** What the key was made from. */
  files: readonly FileEntry[];
  /** All files of the project, inputs or not. */
  known: readonly FileEntry[];
  /** When the tree was looked at for the key. */
  lookedAtMs: number;
}>;

/** The first input that is not what the key says, if any. Clocks of file systems tick coarsely: two seconds of margin. */
export async function lateEdit({ root, task, files, known, lookedAtMs }: Watched): Promise<string | undefined> {
  const sinceMs = lookedAtMs - 2000;
  for (const { path, content } of files) {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stat && stat.ctimeMs < sinceMs) continue;
    if (!stat || contentAt(root, path)?.slice(7) !== content.slice(7)) return path;
  }
  return await addedFile({ root, task, known, sinceMs });
}

type Added = Readonly<{ root: string; task: Task; known: readonly FileEntry[]; sinceMs: number }>;

/** A new file shows in its directory's time; git is asked only about names that no output explains. */
async function addedFile({ root, task, known, sinceMs }: Added): Promise<string | undefined> {
  const paths = new Set(known.map((f) => f.path));
  const dirs = new Set([task.cwd, ...known.map((f) => posix.dirname(f.path)).map((d) => (d === "." ? "" : d))]);
  const isOutput = matcher(task.outputs);
  const isInput = matcher([...(task.inputs.isAll ? ["**"] : []), ...task.inputs.globs]);
  const news: string[] = [];
  for (const dir of dirs) {
    const stat = lstatSync(join(root, dir), { throwIfNoEntry: false });
    if (!stat?.isDirectory() || stat.mtimeMs < sinceMs) continue;
    for (const name of readdirSync(join(root, dir))) {
      const path = dir ? `${dir}/${name}` : name;
      if (paths.has(path) || dirs.has(path) || isOutput(path)) continue;
      if (/^(?:node_modules|\.git|\.sluice|\.turbo|\.nx)$/.test(name)) continue;
      news.push(path);
    }
  }
  if (news.length === 0) return undefined;
  const answer = await git(root, [
    "ls-files",
    "-z",
    "-o",
    "--exclude-standard",
    "--",
    ...news.map((p) => `:(literal)${p}`),
  ]);
  return splitNul(answer.out.toString()).find((path) => isInput(path) && !isOutput(path));
}
