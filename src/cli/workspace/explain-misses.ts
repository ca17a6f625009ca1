// Keys of tasks beside what the cache has of them.

import { Problem } from "../../domain/problem.ts";
import { scopeOfRun } from "../../workspace/cache/scope.ts";
import { cacheFolder } from "../../workspace/cache/settings.ts";
import { type View, viewOf } from "../../workspace/git/view.ts";
import { lookAtTree } from "../../workspace/git/worktree.ts";
import { findRoot } from "../../workspace/graph/layout.ts";
import type { Project } from "../../workspace/graph/manifest.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";
import { lockOf, lockThen } from "../../workspace/lockfile/dependencies.ts";
import { type LockGraph, packageChanges } from "../../workspace/lockfile/lockfile.ts";
import { allProjects, checkNames, type TaskNode, taskGraph } from "../../workspace/tasks/graph.ts";
import { keysOf } from "../../workspace/tasks/keys.ts";
import { PartsOf } from "../../workspace/tasks/parts.ts";
import { type Asked, keptIn, type Why, whyMiss } from "../../workspace/tasks/why-miss.ts";

export type Explained = Why & Readonly<{ id: string }>;

/** `wanted` are task names, or `project#task`. */
export async function explainMisses(
  from: string,
  wanted: readonly string[],
  cacheDir?: string,
): Promise<readonly Explained[]> {
  const root = findRoot(from);
  const view = await viewOf(await openWorkspace(root, lookAtTree(root)), process.env);
  const { workspace } = view;
  const names = [...new Set(wanted.map((w) => w.slice(w.lastIndexOf("#") + 1)))];
  checkNames(workspace, names);
  const graph = taskGraph(workspace, view.graph, { tasks: names, projects: allProjects(workspace) });
  const partsOf = new PartsOf(view);
  const ids = new Set(
    [...graph.values()].flatMap(({ id, task }) => (task.command === undefined ? [] : [id, task.name])),
  );
  const unknown = wanted.find((name) => !ids.has(name));
  if (unknown !== undefined)
    throw new Problem(
      `nothing runs as "${unknown}" in this workspace`,
      "sluice run --dry-run lists tasks as project#task",
    );
  const keys = keysOf(graph, partsOf);
  const kept = keptIn(cacheDir ?? cacheFolder(root), scopeOfRun(process.env));
  const packages = packagesSince(view);
  const isWanted = ({ id, task }: TaskNode) =>
    task.command !== undefined && (wanted.includes(id) || wanted.includes(task.name));
  const all: Explained[] = [];
  for (const node of graph.values()) {
    const key = keys.get(node.id);
    if (!key || !isWanted(node)) continue;
    const inputs = partsOf.filesOf(node).map((f) => `${f.path} ${f.content}`);
    const project = (isRoot: boolean) => workspace.projects[isRoot ? 0 : node.project];
    const asked = { id: node.id, key, inputs, packages: packages(project) };
    all.push({ id: node.id, ...(await whyMiss(asked, kept)) });
  }
  return all;
}

type Of = (isRoot: boolean) => Project | undefined;

/** Lock files are parsed once each, and only where one differs. */
function packagesSince({ workspace }: View): (of: Of) => Asked["packages"] {
  const read = new Map<string, Promise<LockGraph | undefined>>();
  const once = (name: string, make: () => Promise<LockGraph | undefined>) => {
    const known = read.get(name) ?? make();
    read.set(name, known);
    return known;
  };
  return (of) => async (lock, isRoot) => {
    const project = of(isRoot);
    const now = await once("", () => lockOf(workspace));
    const then = lock === undefined ? undefined : await once(lock, () => lockThen(workspace.root, lock));
    if (!now || !then || !project) return [];
    const changed = packageChanges([then, project], [now, project]);
    return [...changed].map(([name, [a, b]]) => `${name} ${a || "none"} → ${b || "none"}`);
  };
}
