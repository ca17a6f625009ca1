// A shallow clone, as CI systems make them, lacks the base and the history back to it. What is missing is fetched from where
// the clone came from: the base alone first, then further back until both sides meet.
import { git } from "./git.ts";
import { must } from "./worktree.ts";

/** The base's commit, once it and the history between are here; undefined where that cannot be had. */
export async function deepen(root: string, base: string): Promise<string | undefined> {
  if (process.env.SLUICE_NO_FETCH || !(await isShallowClone(root))) return undefined;
  const known = (await commitOf(root, base)) ?? (await ancestor(root, base));
  const name = known ?? base.replace(/^origin\//, "");
  if (known === undefined && !(await fetched(root, ["--depth=1", "origin", name]))) return undefined;
  const [commit, head] = [known ?? (await commitOf(root, "FETCH_HEAD")), await commitOf(root, "HEAD")];
  if (commit === undefined || head === undefined) return undefined;
  for (const step of steps) {
    if ((await git(root, ["merge-base", commit, head])).ok) return commit;
    if (!(await fetched(root, [step, "origin", commit, head])) && !(await fetched(root, [step, "origin"]))) break;
  }
  return commit;
}

const steps = ["--deepen=50", "--deepen=500", "--unshallow"];

/** `HEAD~2` is no name that an origin knows: the history is fetched until it is here. */
async function ancestor(root: string, base: string): Promise<string | undefined> {
  if (!/^(?:HEAD|@)[~^]/.test(base)) return undefined;
  for (const step of steps) {
    if (!(await fetched(root, [step, "origin"]))) return undefined;
    const commit = await commitOf(root, base);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

async function isShallowClone(root: string): Promise<boolean> {
  const shallow = git(root, ["rev-parse", "--is-shallow-repository"]);
  const origin = git(root, ["remote", "get-url", "origin"]);
  return (await shallow).out.toString().trim() === "true" && (await origin).ok;
}

/** Undefined for what is no commit here; a git that cannot look at all is a Problem. */
export async function commitOf(root: string, name: string): Promise<string | undefined> {
  const found = await git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
  if (!found.ok && /^fatal: (?!Needed|ambiguous|bad)/.test(found.err)) must(found);
  return found.ok ? found.out.toString().trim().split("\n").at(-1) : undefined;
}

async function fetched(root: string, args: readonly string[]): Promise<boolean> {
  return (await git(root, ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", ...args])).ok;
}
