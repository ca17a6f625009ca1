// The files a task makes: found by its output globs, checked to be nobody else's, emptied before it runs.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { matcher, staticBase } from "../glob.ts";
import type { TaskGraph, TaskNode } from "./graph.ts";
import type { Task } from "./pipeline.ts";

export type Output = Readonly<{ path: string }> &
  (
    | Readonly<{ kind: "file"; size: number; mode: number; digest: string }>
    | Readonly<{ kind: "link"; to: string }>
    | Readonly<{ kind: "folder" }>
  );

/** Paths of outputs on disk, from the workspace root: folders before what is in them. */
export function outputPaths(root: string, globs: readonly string[]): readonly string[] {
  if (globs.length === 0) return [];
  const isOutput = matcher(globs);
  const bases = [...new Set(globs.filter((g) => !g.startsWith("!")).map(staticBase))].sort();
  const top = bases.filter((b) => !bases.some((other) => other !== b && `${b}/`.startsWith(`${other}/`)));
  const found: string[] = [];
  const visit = (path: string) => {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!stat) return;
    const isMatch = path !== "" && isOutput(path);
    if (isMatch) found.push(path);
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(join(root, path)).sort()) {
      if (name === "node_modules" || name === ".git" || name === ".sluice") continue;
      visit(path ? `${path}/${name}` : name);
    }
  };
  for (const base of top) visit(base);
  return found;
}

export function describe(root: string, path: string): Output | undefined {
  const at = join(root, path);
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (stat?.isFile())
    return { path, kind: "file", size: stat.size, mode: stat.mode & 0o777, digest: digestOf(readFileSync(at)) };
  if (stat?.isSymbolicLink()) return { path, kind: "link", to: readlinkSync(at) };
  return stat?.isDirectory() ? { path, kind: "folder" } : undefined;
}

export function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Removes what is there, except files that git has: they are sources, whatever the globs say. */
export function emptyOutputs(root: string, globs: readonly string[], keep: (path: string) => boolean): void {
  removeAll(
    root,
    outputPaths(root, globs).filter((path) => !keep(path)),
  );
}

/** Deepest first, so that folders are empty when their turn comes; a folder with something kept stays. */
export function removeAll(root: string, paths: readonly string[]): void {
  for (const path of [...paths].reverse()) {
    const at = join(root, path);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      if (readdirSync(at).length === 0) rmdirSync(at);
    } else if (stat) unlinkSync(at);
  }
}

/**
 * Two tasks that write the same place would take each other's results for their own. Where one waits for the other (Nx
 * infers such pairs) what both declare is the earlier one's; otherwise there is no telling, and it is refused. A place
 * within another task's place, or some of its files by their names, are left alone by that other task.
 */
export function ownOutputs(tasks: TaskGraph): TaskGraph {
  const claims = new Map<string, Claim[]>();
  const given = new Map<string, Set<string>>();
  const give = (id: string, glob: string) => given.set(id, (given.get(id) ?? new Set()).add(`!${glob}`));
  const wins = (node: TaskNode, glob: string): boolean => {
    const place = placeOf(glob);
    const rivals = (claims.get(staticBase(glob)) ?? []).filter((other) => other.id !== node.id);
    for (const other of rivals) {
      if (placeOf(other.glob) !== place) {
        const base = staticBase(glob);
        if (placeOf(other.glob) === base) give(other.id, glob);
        else if (place === base || waitsFor(tasks, node, other.id)) give(node.id, other.glob);
      } else if (waitsFor(tasks, node, other.id)) give(node.id, other.glob);
      else throw new Problem(`${other.id} and ${node.id} both declare the output ${place}`, ownPlace(node.task, place));
    }
    return !rivals.some((other) => placeOf(other.glob) === place);
  };
  for (const node of tasks.values())
    for (const glob of declaredBy(node)) {
      if (!wins(node, glob)) continue;
      const base = staticBase(glob);
      claims.set(base, [...(claims.get(base) ?? []), { id: node.id, glob }]);
    }
  for (const [base, narrow] of claims)
    for (let at = parent(base); at !== ""; at = parent(at))
      for (const wide of claims.get(at) ?? [])
        for (const { id, glob } of narrow) if (id !== wide.id) give(wide.id, glob);
  if (given.size === 0) return tasks;
  return new Map([...tasks].map(([id, node]) => [id, without(node, given.get(id))]));
}

/** How each gets a place of its own. */
function ownPlace({ more, cwd }: Task, place: string): string {
  const [name] = Object.keys(more?.variant ?? {});
  if (name === undefined) return "Give each its own directory: a shared one cannot be restored for either";
  const own = place.startsWith(`${cwd}/`) ? place.slice(cwd.length + 1) : place;
  return `Name the combination in what it makes, outputs: ["${own}/{${name}}/**"]; or write outputs: [] where nothing is kept`;
}

type Claim = Readonly<{ id: string; glob: string }>;

function declaredBy({ id, task }: TaskNode): readonly string[] {
  if (task.command === undefined || !task.isCached) return [];
  const globs = task.outputs.filter((o) => !o.startsWith("!"));
  const outside = globs.find((glob) => /^(?:\.\.(?:\/|$)|\/)/.test(glob));
  if (outside === undefined) return globs;
  throw new Problem(`${id} declares an output outside the workspace: ${outside}`, "Write outputs inside the workspace");
}

function without(node: TaskNode, others: ReadonlySet<string> | undefined): TaskNode {
  if (!others) return node;
  return { ...node, task: { ...node.task, outputs: [...node.task.outputs, ...others] } };
}

function placeOf(glob: string): string {
  return glob.replace(/\/\*\*(?:\/\*)?$/, "");
}

function parent(place: string): string {
  return place.slice(0, Math.max(0, place.lastIndexOf("/")));
}

function waitsFor(tasks: TaskGraph, node: TaskNode, id: string, seen = new Set<string>()): boolean {
  return node.dependencies.some((d) => {
    if (d === id) return true;
    const next = seen.has(d) ? undefined : tasks.get(d);
    seen.add(d);
    return next !== undefined && waitsFor(tasks, next, id, seen);
  });
}
