// The commits that lie between two releases, where the repository at hand knows both.
import { git } from "./git.ts";

export interface Commit {
  readonly hash: string;
  readonly subject: string;
}

const commitsMax = 200;

/** Newest first; undefined where nobody can tell: no repository, an unknown commit, a release that was built outside Git. */
export async function commitsBetween(
  root: string,
  from: string | undefined,
  to: string | undefined,
): Promise<readonly Commit[] | undefined> {
  if (from === undefined || to === undefined) return undefined;
  const [older = "", newer = ""] = [from, to].map((commit) => commit.replace(/\+dirty$/, ""));
  if (![older, newer].every((commit) => /^[0-9a-f]{7,64}$/.test(commit))) return undefined;
  const { ok, out } = await git(root, [
    "log",
    "-z",
    "--format=%h %s",
    `--max-count=${commitsMax}`,
    `${older}..${newer}`,
    "--",
  ]);
  if (!ok) return undefined;
  return out
    .toString()
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => ({ hash: line.slice(0, line.indexOf(" ")), subject: line.slice(line.indexOf(" ") + 1) }));
}
