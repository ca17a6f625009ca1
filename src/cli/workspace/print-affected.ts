// Affected projects or tasks, each with the way from the change to it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { type AffectedTask, affected } from "../../workspace/affected.ts";
import { compareWithBase, defaultBase } from "../../workspace/git/base.ts";
import { git, gitFolder, indexStamp } from "../../workspace/git/git.ts";
import { folderOf } from "../../workspace/git/worktree.ts";
import { findRoot } from "../../workspace/graph/layout.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";
import type { AffectedOptions } from "../verbs/affected.ts";

export async function printAffected(from: string, options: AffectedOptions): Promise<void> {
  const root = findRoot(from);
  const base = options.base ?? (await defaultBase(root, process.env));
  const answer = await atHead(root, options.head ?? "HEAD", (at) => ask(at, base, options.task ?? []));
  process.stdout.write(options.json ? json(answer, base, options) : text(answer, options));
}

export async function ask(root: string, base: string, tasks: readonly string[]): Promise<readonly AffectedTask[]> {
  const folder = folderOf(root);
  const comparing = compareWithBase(root, base, () => indexStamp(folder));
  const looking = comparing.then((found) => {
    if ("noBase" in found)
      throw new Problem(
        `cannot tell what is affected: ${found.noBase}`,
        `Fetch it: git fetch --unshallow origin, or git fetch origin ${base}; in CI check out with full history`,
      );
    return found;
  });
  const workspace = await openWorkspace(root, looking);
  const { changes } = await looking;
  return await affected(workspace, { tasks, changes, env: process.env });
}

/** Another head than what is checked out is looked at in a checkout of its own, which is removed again. */
async function atHead<T>(root: string, head: string, answer: (root: string) => Promise<T>): Promise<T> {
  if (head === "HEAD") return await answer(root);
  const found = await git(root, ["rev-parse", "--verify", `${head}^{commit}`, "HEAD"]);
  const [wanted, current] = found.out.toString().trim().split("\n");
  if (!found.ok || !wanted) throw new Problem(`the commit "${head}" is not here`, `Fetch it: git fetch origin ${head}`);
  if (wanted === current) return await answer(root);
  const folder = mkdtempSync(join(tmpdir(), "sluice-head-"));
  const added = await git(root, ["worktree", "add", "--detach", folder, wanted]);
  try {
    if (!added.ok) throw new Problem(`cannot check out ${head}: ${added.err.trim()}`, "See git worktree list");
    return await answer(join(folder, relative(gitFolder(root)?.top ?? root, root)));
  } finally {
    await git(root, ["worktree", "remove", "--force", folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function json(found: readonly AffectedTask[], base: string, { head, task }: AffectedOptions): string {
  const names = new Map<string, AffectedTask>();
  for (const one of found) if (!names.has(one.project)) names.set(one.project, one);
  const projects = [...names.values()].map(({ project, dir, because }) => ({ name: project, dir, because }));
  const tasks = task ? { tasks: found.map(({ id, because }) => ({ id, because })) } : {};
  return `${JSON.stringify({ base, head: head ?? "HEAD", projects, ...tasks })}\n`;
}

function text(found: readonly AffectedTask[], { explain, task }: AffectedOptions): string {
  return found
    .map((one) => `${task ? one.id : one.project}${explain ? `\n  ${one.because.join("\n  → ")}\n` : ""}\n`)
    .join("");
}
