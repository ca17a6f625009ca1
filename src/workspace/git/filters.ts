// Contents that git keeps otherwise than they lie in the working tree: line endings, LFS, other digests. Only git knows their
// names, and it is asked only where there can be such.
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { git } from "./git.ts";
import { gitFolder } from "./git-folder.ts";
import type { FileChange } from "./worktree.ts";

/** The changes with what git would name each file that differs. */
export async function throughFilters(root: string, changes: FileChange[]): Promise<FileChange[]> {
  const open = changes.filter((c) => c.before && c.after && c.before !== c.after && /^100/.test(c.after));
  // Where git names contents by a longer digest, it alone knows a name.
  const isOther = open.some((c) => c.before?.length !== c.after?.length);
  const paths = open.map((c) => c.path);
  if (open.length === 0 || (!isOther && !hasFilters(root, paths))) return changes;
  const named = open.filter((c) => !c.path.includes("\n"));
  const answer = await git(
    root,
    ["hash-object", "--stdin-paths"],
    named.map((c) => `${join(root, c.path)}\n`).join(""),
  );
  if (!answer.ok) return changes;
  const ids = answer.out.toString().split("\n");
  const filtered = new Map(named.map((c, i) => [c.path, `${c.after?.slice(0, 6)} ${ids[i]}`]));
  return changes.map((c) => ({ ...c, after: filtered.get(c.path) ?? c.after }));
}

function hasFilters(root: string, paths: readonly string[]): boolean {
  const found = gitFolder(root);
  if (!found) return false;
  const common = commonFolder(found.folder);
  const home = process.env.HOME ?? "";
  const folders = new Set([
    "",
    ...paths.flatMap((path) => path.split("/").map((_, i, parts) => parts.slice(0, i).join("/"))),
  ]);
  const attributes = [
    ...[...folders].map((folder) => join(root, folder, ".gitattributes")),
    join(found.top, ".gitattributes"),
    join(common, "info/attributes"),
    join(process.env.XDG_CONFIG_HOME ?? join(home, ".config"), "git/attributes"),
  ];
  if (attributes.some((p) => lstatSync(p, { throwIfNoEntry: false }))) return true;
  const global = process.env.GIT_CONFIG_GLOBAL ?? join(home, ".gitconfig");
  const configs = [join(common, "config"), global, join(home, ".config/git/config"), "/etc/gitconfig"];
  return configs.some(
    (p) => lstatSync(p, { throwIfNoEntry: false }) && /autocrlf|attributesfile/i.test(readFileSync(p, "utf8")),
  );
}

/** A linked worktree shares its settings with the repository that it is of. */
function commonFolder(folder: string): string {
  const file = join(folder, "commondir");
  return existsSync(file) ? resolve(folder, readFileSync(file, "utf8").trim()) : folder;
}
