// Keys of tasks beside what the cache has of them.

import { cacheFolder, salt } from "../../workspace/cache/settings.ts";
import { viewOf } from "../../workspace/git/view.ts";
import { lookAtTree } from "../../workspace/git/worktree.ts";
import { findRoot } from "../../workspace/graph/layout.ts";
import { openWorkspace } from "../../workspace/graph/workspace.ts";
import { allProjects, checkNames, taskGraph } from "../../workspace/tasks/graph.ts";
import { keysOf } from "../../workspace/tasks/keys.ts";
import { PartsOf } from "../../workspace/tasks/parts.ts";
import { type Why, whyMiss } from "../../workspace/tasks/why-miss.ts";

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
  const keys = keysOf(graph, partsOf, salt(process.env));
  return [...graph.values()].flatMap((node) => {
    const key = keys.get(node.id);
    if (!key || node.task.command === undefined || !(wanted.includes(node.id) || wanted.includes(node.task.name)))
      return [];
    const inputs = partsOf.filesOf(node).map((f) => `${f.path} ${f.content}`);
    return [{ id: node.id, ...whyMiss(node.id, key, inputs, cacheDir ?? cacheFolder(root)) }];
  });
}
