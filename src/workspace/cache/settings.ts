// Where the cache lies and what a team mixes into its keys.
import { join, relative, resolve } from "node:path";
import { gitFolder } from "../git/git.ts";
import type { Environment } from "../tasks/environment.ts";

/** Linked worktrees of one repository share the cache of the main one. */
export function cacheFolder(root: string): string {
  const named = process.env.SLUICE_CACHE_DIR;
  if (named) return resolve(root, named);
  const found = gitFolder(root);
  const linked = found && /^(.*)\/\.git\/worktrees\/[^/]+$/.exec(found.folder);
  const home = linked ? join(linked[1] ?? root, relative(found.top, root)) : root;
  return join(home, ".sluice", "cache");
}

export function salt(env: Environment): string {
  return env.SLUICE_CACHE_SALT ?? "";
}
