// What differs between the working tree and the merge base with another commit, and which commit that is by default.
import { commitOf, deepen } from "./deepen.ts";
import { git, noGit, splitNul } from "./git.ts";
import { indexStamp } from "./git-folder.ts";
import {
  type Content,
  contentAt,
  contentOf,
  type FileChange,
  folderOf,
  type Look,
  must,
  parseRaw,
  untrackedFiles,
} from "./worktree.ts";

export type Compared = Look & Readonly<{ changes: readonly FileChange[] }>;
/** Without a mend of its own, the commit has to be fetched. */
export type NoBase = Readonly<{ noBase: string; mend?: string }>;

/**
 * What differs from the merge base with `base`, committed or not, in the same look that finds what is dirty. `COMMIT..` is
 * that commit itself, as git writes it: what was built last need not be an ancestor.
 */
export async function compareWithBase(root: string, base: string): Promise<Compared | NoBase> {
  const folder = folderOf(root);
  if (base === "" || base.startsWith("-"))
    return { noBase: `"${base}" is no commit`, mend: "Name a branch, a tag or a commit" };
  const flags = ["-z", "--relative", "--no-renames", "--ignore-submodules=none"];
  const exact = exactly(base);
  const looking = git(root, [
    "diff-index",
    ...flags,
    ...(exact === undefined ? ["--merge-base", base] : [exact]),
    "--",
  ]);
  const untracked = untrackedFiles(root);
  untracked.catch(() => {});
  const first = await looking;
  const lacking = async () => (exact === undefined ? await againstMergeBase(root, base, flags) : notHere(exact));
  const out = first.ok || first.err === noGit ? must(first) : await lacking();
  if (typeof out === "string") {
    if ((await commitOf(root, "HEAD")) === undefined)
      return { noBase: "nothing is committed here yet", mend: "Commit first; sluice run needs no commit" };
    return { noBase: out };
  }
  const raw = parseRaw(out);
  const changes = new Map((await contentOf(root, raw)).map((c) => [c.path, c]));
  const dirty = new Map<string, Content | undefined>();
  for (const { path, before, oid, mode } of raw)
    if (mode === "000000" || !/[^0]/.test(oid) || `${mode} ${oid}` === before)
      dirty.set(path, changes.get(path)?.after);
  for (const path of await untracked) {
    const after = contentAt(root, path);
    dirty.set(path, after);
    changes.set(path, { path, before: changes.get(path)?.before, after });
  }
  return { stamp: indexStamp(folder), dirty, changes: [...changes.values()].filter((c) => c.before !== c.after) };
}

/** Where git cannot say it in one step: a shallow clone, several merge bases (the first counts), or an older git. */
async function againstMergeBase(root: string, base: string, flags: readonly string[]): Promise<Buffer | string> {
  const found = (await mergeBase(root, base)) ?? (await mergeBaseDeepened(root, base));
  if (found) return must(await git(root, ["diff-index", ...flags, found, "--"]));
  return (await commitOf(root, base)) ? `"${base}" and HEAD have no common commit here` : notHere(base);
}

/** The commit before two dots. */
export function exactly(base: string): string | undefined {
  return base.endsWith("..") && !base.endsWith("...") ? base.slice(0, -2) : undefined;
}

function notHere(commit: string): string {
  return `the commit "${commit}" is not here`;
}

async function mergeBase(root: string, base: string): Promise<string | undefined> {
  const found = await git(root, ["merge-base", base, "HEAD"]);
  return found.ok ? found.out.toString().trim().split("\n")[0] : undefined;
}

async function mergeBaseDeepened(root: string, base: string): Promise<string | undefined> {
  const commit = await deepen(root, base);
  return commit && (await mergeBase(root, commit));
}

/** The branch that a change is meant for, as CI systems say it; else the main branch. */
export async function defaultBase(root: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const named = env.SLUICE_BASE ?? env.TURBO_SCM_BASE ?? env.NX_BASE ?? env.CI_MERGE_REQUEST_DIFF_BASE_SHA;
  if (named) return named;
  const branch = env.GITHUB_BASE_REF ?? env.BITBUCKET_PR_DESTINATION_BRANCH;
  if (branch) return `origin/${branch}`;
  const refs = await git(root, ["for-each-ref", "--format=%(refname:short)%00", "refs/remotes/origin", "refs/heads"]);
  const known = new Set(splitNul(refs.out.toString()).map((r) => r.trim()));
  return ["origin/main", "origin/master", "main", "master"].find((r) => known.has(r)) ?? "HEAD";
}
