// What is affected, by opening the workspace: at the head that is checked out, or at another in a checkout of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { affected } from "../../workspace/affected.ts";
import type { AffectedTask } from "../../workspace/affected-projects.ts";
import { type Compared, compareWithBase, exactly, type NoBase } from "../../workspace/git/compare.ts";
import { commitOf } from "../../workspace/git/deepen.ts";
import { git } from "../../workspace/git/git.ts";
import { gitFolder } from "../../workspace/git/git-folder.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";

export type Asked = Readonly<{ base: string; tasks: readonly string[]; comparing?: Promise<Compared | NoBase> }>;

/** `comparing` is the look at the tree, where it has begun already. */
export async function ask(
  root: string,
  { base, tasks, comparing = compareWithBase(root, base) }: Asked,
): Promise<readonly AffectedTask[]> {
  const looking = comparing.then((found) => {
    if ("noBase" in found)
      throw new Problem(
        `cannot tell what is affected: ${found.noBase}`,
        found.mend ??
          `Fetch it: git fetch --unshallow origin, or git fetch origin ${exactly(base) ?? base}; in CI check out with full history`,
      );
    return found;
  });
  const workspace = await openWorkspace(root, looking);
  const { changes, stamp } = await looking;
  return await affected(workspace, { tasks, changes, stamp, env: process.env });
}

/** Another head than what is checked out is looked at in a checkout of its own, which is removed again. */
export async function atHead<T>(root: string, head: string, answer: (root: string) => Promise<T>): Promise<T> {
  const [wanted, current] = [await commitOf(root, head), await commitOf(root, "HEAD")];
  if (!wanted) throw new Problem(`the commit "${head}" is not here`, `Fetch it: git fetch origin ${head}`);
  if (wanted === current) return await answer(root);
  const folder = mkdtempSync(join(tmpdir(), "sluice-head-"));
  const added = await git(root, ["-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", folder, wanted]);
  try {
    if (!added.ok) throw new Problem(`cannot check out ${head}: ${added.err.trim()}`, "See git worktree list");
    return await answer(join(folder, relative(gitFolder(root)?.top ?? root, root)));
  } finally {
    await git(root, ["worktree", "remove", "--force", folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}
