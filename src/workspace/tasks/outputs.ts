// The files a task makes: found by its output globs, checked to be nobody else's, emptied before it runs.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { matcher, staticBase } from "../glob.ts";
import type { TaskGraph, TaskNode } from "./graph.ts";

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
 * infers such pairs) the place is the earlier one's; otherwise there is no telling, and it is refused. A place within
 * another task's place is left alone by that other task.
 */
export function ownOutputs(tasks: TaskGraph): TaskGraph {
  const owners = new Map<string, string>();
  const settled = new Map<string, TaskNode>();
  for (const node of tasks.values()) {
    const { id, task } = node;
    const places = task.command === undefined || !task.isCached ? [] : task.outputs.filter((o) => !o.startsWith("!"));
    const lost: string[] = [];
    for (const glob of places) {
      const place = glob.replace(/\/\*\*(?:\/\*)?$/, "");
      if (/^(?:\.\.\/|\/)/.test(place))
        throw new Problem(
          `${id} declares an output outside the workspace: ${glob}`,
          "Write outputs inside the workspace",
        );
      const other = owners.get(place);
      if (other === undefined || other === id) owners.set(place, id);
      else if (waitsFor(tasks, node, other)) lost.push(`!${glob}`);
      else
        throw new Problem(
          `${other} and ${id} both declare the output ${place}`,
          "Give each its own directory: a shared one cannot be restored for either",
        );
    }
    settled.set(id, lost.length === 0 ? node : { ...node, task: { ...task, outputs: [...task.outputs, ...lost] } });
  }
  for (const [place, id] of owners)
    for (let at = parent(place); at !== ""; at = parent(at)) {
      const wider = owners.get(at);
      const node = wider === undefined || wider === id ? undefined : settled.get(wider);
      if (node)
        settled.set(node.id, { ...node, task: { ...node.task, outputs: [...node.task.outputs, `!${place}/**`] } });
    }
  return settled;
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
