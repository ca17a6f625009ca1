// Registry packages per project, from whichever lock file there is; remembered by the content of that file.
import { join } from "node:path";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { git } from "../git/git.ts";
import { lockfiles, lockfilesOf, packageManager } from "../graph/layout.ts";
import type { Workspace } from "../graph/workspace.ts";
import { objectAt } from "../jsonc.ts";
import { amendmentsOf, catalogRange, catalogsOf } from "./amendments.ts";
import { closures, type LockGraph, parseLock } from "./lockfile.ts";

export type Installed = Readonly<{
  file: string | undefined;
  /** By directory: one digest over what the project reaches. */
  digestOf: (dir: string) => string;
  missing: readonly string[];
}>;

const form = "lock 2";
type Memory = Readonly<{
  key: string;
  digests: Readonly<Record<string, string>>;
  missing: readonly string[];
}>;

export function lockfileOf(workspace: Workspace): string | undefined {
  const has = (file: string) => workspace.contentOf(file) !== undefined;
  const [manager = ""] = packageManager(workspace.shape, has).split("@");
  return [...(lockfilesOf[manager] ?? []), ...lockfiles].find(has);
}

export async function lockOf(workspace: Workspace): Promise<LockGraph | undefined> {
  const file = lockfileOf(workspace);
  return file === undefined
    ? undefined
    : await parseLock(file, workspace.read(file) ?? "", objectAt(workspace.shape.root, "resolutions"));
}

/** The same of an earlier lock file, as an entry of the cache names it; undefined where git does not have it any more. */
export async function lockThen(root: string, named: string): Promise<LockGraph | undefined> {
  const [file = "", , id = ""] = named.split(" ");
  const answer = await git(root, ["cat-file", "blob", id]);
  return answer.ok ? await parseLock(file, answer.out.toString()) : undefined;
}

/** `remember` is off for a tree that is not the working tree. */
export async function installed(workspace: Workspace, remember = true): Promise<Installed> {
  const file = lockfileOf(workspace);
  const amended = amendmentsOf(workspace);
  const all = [...amended].join("\n");
  const { shape } = workspace;
  if (file === undefined) return { file, digestOf: (dir) => `${declared(workspace, dir)} ${all}`, missing: [] };
  const content = workspace.contentOf(file) ?? "";
  const key = `${content} ${workspace.projectsKey} ${all} ${JSON.stringify(catalogsOf(shape))}`;
  const at = join(stateFolder(workspace.root), "graph", "lock");
  const memory = remember ? readSealedJson<Memory>(at, form) : undefined;
  if (memory?.key === key) return { file, digestOf: (dir) => memory.digests[dir] ?? "", missing: memory.missing };
  const lock = await lockOf(workspace);
  if (!lock) return { file, digestOf: () => `${content} ${all}`, missing: [] };
  const names = new Set(workspace.projects.map((p) => p.packageName));
  const { digests, missing } = closures(lock, {
    projects: workspace.projects,
    isLinked: (name) => names.has(name),
    amended,
    catalogRange: (dependency) => catalogRange(shape, dependency),
  });
  if (remember) writeSealed(at, form, JSON.stringify({ key, digests: Object.fromEntries(digests), missing }));
  return { file, digestOf: (dir) => digests.get(dir) ?? "", missing };
}

/** Without a lock file only the ranges are known. */
function declared(workspace: Workspace, dir: string): string {
  const project = workspace.projects.find((p) => p.dir === dir);
  return project?.dependencies.map((d) => `${d.name}@${catalogRange(workspace.shape, d) ?? d.range}`).join(" ") ?? "";
}
