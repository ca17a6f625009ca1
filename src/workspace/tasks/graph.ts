// Tasks of projects and what each waits for: dependsOn resolved over the project graph, in an order that can be run.
import { Problem } from "../../domain/problem.ts";
import { components, type Edge, type Graph } from "../graph/graph.ts";
import type { Workspace } from "../graph/workspace.ts";
import { source, type Task, taskNames, tasksOf } from "./pipeline.ts";

export type TaskNode = Readonly<{
  /** `project#task` */
  id: string;
  project: number;
  task: Task;
  dependencies: readonly string[];
  /** Projects imported in a circle: they cannot come first, so their sources count instead. */
  besides: readonly number[];
  /** Globs of what tasks before it make in the same project: their keys speak for it, and it is no source. */
  made: readonly string[];
}>;

/** Dependencies come before dependents. */
export type TaskGraph = ReadonlyMap<string, TaskNode>;

export type Wanted = Readonly<{ tasks: readonly string[]; projects: readonly number[] }>;

export function taskGraph(workspace: Workspace, graph: Graph, wanted: Wanted): TaskGraph {
  const { projects } = workspace;
  const nodes = new Map<string, TaskNode>();
  const inCircle = circular(graph, projects.length);
  const queue: TaskNode[] = [];
  const asked = new Map<string, readonly string[]>();
  const ask = (project: number, name: string): readonly string[] => {
    const known = asked.get(`${project}#${name}`);
    if (known) return known;
    const own = projects[project];
    const made = (own ? tasksOf(workspace, own, name) : []).map((task): TaskNode => {
      const id = `${own?.name}#${name}${variantName(task)}`;
      return { id, project, task, dependencies: [], besides: [], made: [] };
    });
    for (const node of made) nodes.set(node.id, node);
    queue.push(...made);
    const ids = made.map((node) => node.id);
    asked.set(`${project}#${name}`, ids);
    return ids;
  };
  for (const name of wanted.tasks) for (const project of wanted.projects) ask(project, name);
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { id, project } = next;
    const node = next;
    const edges = graph.out[project] ?? [];
    const before = edges.filter((e) => !inCircle(e));
    const dependencies = node.task.dependsOn.flatMap((wanted) => {
      if (wanted.startsWith("^"))
        return before.flatMap((e) => upstream(e.to, wanted.slice(1), { graph, inCircle, ask }));
      const hash = wanted.indexOf("#", 1);
      if (hash < 0) return ask(project, wanted);
      const other = wanted.startsWith("//#") ? 0 : graph.indexOf.get(wanted.slice(0, hash));
      if (other === undefined)
        throw new Problem(`${id} waits for ${wanted}, and there is no such project`, "Mend its dependsOn");
      return ask(other, wanted.slice(hash + 1));
    });
    const besides = node.task.dependsOn.some((d) => d.startsWith("^")) ? edges.filter(inCircle).map((e) => e.to) : [];
    nodes.set(id, { ...node, dependencies: [...new Set(dependencies)].filter((d) => d !== id).sort(), besides });
  }
  return inOrder(nodes);
}

/** `(TZ=UTC)` after the name of one combination of a matrix. */
function variantName({ more }: Task): string {
  const values = Object.entries(more?.variant ?? {}).map(([name, value]) => `${name}=${value}`);
  return values.length > 0 ? `(${values.join(",")})` : "";
}

type Walk = Readonly<{
  graph: Graph;
  inCircle: (edge: Edge) => boolean;
  ask: (project: number, name: string) => readonly string[];
}>;

/** Where a dependency does not know the task, what lies behind it is waited for. */
function upstream(project: number, name: string, walk: Walk, seen = new Set<number>()): string[] {
  if (seen.has(project)) return [];
  seen.add(project);
  const ids = walk.ask(project, name);
  if (ids.length > 0) return [...ids];
  const next = (walk.graph.out[project] ?? []).filter((e) => !walk.inCircle(e));
  return next.flatMap((e) => upstream(e.to, name, walk, seen));
}

/** Edges that only an import makes and that close a circle: they must not order tasks. */
function circular(graph: Graph, size: number): (edge: Edge) => boolean {
  if (graph.edges.every((e) => e.kind === "declared")) return () => false;
  const groupOf = new Int32Array(size);
  components(size, (i) => (graph.out[i] ?? []).map((e) => e.to)).forEach((group, n) => {
    for (const i of group) groupOf[i] = n;
  });
  return (edge) => edge.kind !== "declared" && groupOf[edge.from] === groupOf[edge.to];
}

function inOrder(nodes: ReadonlyMap<string, TaskNode>): TaskGraph {
  const ids = [...nodes.keys()];
  const at = new Map(ids.map((id, i) => [id, i]));
  const groups = components(ids.length, (i) =>
    (nodes.get(ids[i] ?? "")?.dependencies ?? []).flatMap((d) => at.get(d) ?? []),
  );
  const circle = groups.find((g) => g.length > 1);
  if (circle)
    throw new Problem(
      `these tasks wait for each other: ${circle
        .map((i) => ids[i])
        .sort()
        .join(" → ")}`,
      "Take one dependency out of a package.json or of dependsOn; sluice graph shows the cycle",
    );
  const ordered = new Map<string, TaskNode>();
  for (const id of groups.flatMap(([i]) => (i === undefined ? [] : (ids[i] ?? [])))) {
    const node = nodes.get(id);
    const made = node ? madeBefore(ordered, node) : [];
    if (node) ordered.set(id, made.length > 0 ? { ...node, made } : node);
  }
  return ordered;
}

function madeBefore(ordered: TaskGraph, { project, dependencies }: TaskNode): readonly string[] {
  const own = dependencies.flatMap((id) => {
    const before = ordered.get(id);
    if (before?.project !== project) return [];
    return before.task.isCached ? [...before.made, ...before.task.outputs] : before.made;
  });
  return own;
}

/** The task and all that it waits for, near and far. */
export function withUpstream(tasks: TaskGraph, node: TaskNode): readonly TaskNode[] {
  const all = new Map([[node.id, node]]);
  for (const one of all.values())
    for (const id of one.dependencies) {
      const next = all.has(id) ? undefined : tasks.get(id);
      if (next) all.set(id, next);
    }
  return [...all.values()];
}

/** Refuses a name that no project knows. */
export function checkNames(workspace: Workspace, names: readonly string[]): void {
  const known = taskNames(workspace.shape, workspace.projects);
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  const list = [...known].sort().slice(0, 20).join(", ");
  const from = source(workspace.shape);
  throw new Problem(
    `there is no task "${unknown}" in this workspace`,
    `Known from ${from} and scripts: ${list || "none"}`,
  );
}

/** What `run` and `affected` mean by all projects: the root has tasks of its own only where it says so. */
export function allProjects(workspace: Workspace): readonly number[] {
  const { projects, shape } = workspace;
  if (projects.length === 1) return [0];
  const tables = [shape.turbo?.tasks, shape.turbo?.pipeline];
  const isNamed = tables.some((table) => Object.keys(table ?? {}).some((key) => key.startsWith("//#")));
  const isNxProject = shape.turbo === undefined && shape.nx !== undefined && projects[0]?.nx !== undefined;
  return projects.flatMap((_, i) => (i === 0 && !isNamed && !isNxProject ? [] : [i]));
}
