// What a change affects: the tasks (or projects) whose key is another than at the base, and all that wait for them.
// Exact because both sides are made by the same code; explained by the part of the key that differs.
import { Problem } from "../domain/problem.ts";
import { type Because, becauseOfPart, packagesBetween } from "./affected-because.ts";
import { type AffectedTask, affectedProjects, anything, isLocal, isWide, spread } from "./affected-projects.ts";
import { baseOf } from "./git/base.ts";
import { machineOf, type View, viewOf } from "./git/view.ts";
import type { FileChange } from "./git/worktree.ts";
import { matcher } from "./glob.ts";
import { type Graph, makeGraph } from "./graph/graph.ts";
import type { Project } from "./graph/manifest.ts";
import { RootFiles } from "./graph/root-files.ts";
import { sharedIn, shortGraph, writeShort } from "./graph/short.ts";
import type { Workspace } from "./graph/workspace.ts";
import { type Installed, installed, lockfileOf } from "./lockfile/dependencies.ts";
import { once } from "./once.ts";
import { isDotenv, trackedDotenv } from "./tasks/dotenv.ts";
import type { Environment } from "./tasks/environment.ts";
import { allProjects, checkNames, type TaskGraph, type TaskNode, taskGraph } from "./tasks/graph.ts";
import { PartsOf, partNames } from "./tasks/parts.ts";
import { allFiles, type Task, taskNames, tasksOf } from "./tasks/pipeline.ts";

export type Question = Readonly<{
  tasks: readonly string[];
  changes: readonly FileChange[];
  env: Environment;
  /** Of git's index when the changes were looked at: what is found is then kept for the same question asked again. */
  stamp?: string | undefined;
}>;

export async function affected(opened: Workspace, question: Question): Promise<readonly AffectedTask[]> {
  const { tasks, env } = question;
  const changes = withHiddenEdits(opened, question.changes);
  const isFarReaching = isWide(changes, opened.ownerOf);
  if (changes.length === 0 && tasks.length === 0) return [];
  const hasDotenv = changes.some((c) => isDotenv(c.path.slice(c.path.lastIndexOf("/") + 1)));
  const seen = await viewOf(opened, env, { isDotenvRead: false, isLockRead: isFarReaching });
  const head = hasDotenv ? { ...seen, dotenv: trackedDotenv(seen.workspace) } : seen;
  const { workspace } = head;
  checkNames(workspace, tasks);
  if (changes.length === 0) return [];
  if (tasks.length === 0) {
    const short = shortGraph(workspace.projects, head.graph, allProjects(workspace).includes(0));
    const { root, dirty, hidden } = workspace;
    if (hidden.length === 0) writeShort(root, short, { stamp: question.stamp, dirty });
    if (isLocal(short, changes)) return affectedProjects(short, changes);
  }
  const shared = new Set(sharedIn(head.graph).map((i) => workspace.projects[i]?.dir));
  const isRooted = isFarReaching || changes.some((c) => shared.has(workspace.ownerOf(c.path)));
  const now = graphOf(head, tasks);
  const before = await viewBefore(head, changes);
  const base = hasDotenv ? { ...before, dotenv: trackedDotenv(before.workspace) } : before;
  const touched = new Set(changes.map((c) => workspace.ownerOf(c.path)));
  const past = isRooted ? graphOf(base, tasks) : now;
  const compare = await comparer({ head, base, past, changes });
  const reaching = once(() => dependentsOf(head.graph, touched, workspace.projects));
  const own = [...now.values()].flatMap((node) => {
    const { rootGlobs } = node.task.inputs;
    const isTouched =
      isRooted ||
      touched.has(workspace.projects[node.project]?.dir ?? "") ||
      (readsOthers(node) && reaching().has(node.project)) ||
      (rootGlobs.length > 0 && changes.some(({ path }) => matcher(rootGlobs)(path)));
    const because = isTouched ? compare(node) : undefined;
    return because ? [[node.id, because] as const] : [];
  });
  const waiting = waitingIn(now);
  const reasons = spread(
    own,
    (id) => waiting.get(id),
    (id, next) => `${projectIn(id)} is used by ${projectIn(next)}`,
  );
  const wanted = new Set(tasks.length > 0 ? tasks : [anything]);
  return [...now.values()].flatMap((node) => {
    const because = reasons.get(node.id);
    const project = workspace.projects[node.project];
    if (!because || !project || !wanted.has(node.task.name)) return [];
    return [{ id: node.id, project: project.name, dir: project.dir, task: node.task.name, because }];
  });
}

/** Sources of projects that it does not wait for: imported in a circle, or by Nx's `^default`. */
function readsOthers({ besides, task }: TaskNode): boolean {
  return besides.length > 0 || task.inputs.dependencySources;
}

/** All projects that depend on one of those directories, near or far. */
function dependentsOf(graph: Graph, dirs: ReadonlySet<string>, projects: readonly Project[]): ReadonlySet<number> {
  const found = new Set(projects.flatMap((p, i) => (dirs.has(p.dir) ? [i] : [])));
  for (const i of found) for (const { from } of graph.in[i] ?? []) found.add(from);
  return found;
}

function withHiddenEdits({ hidden, dirty }: Workspace, changes: readonly FileChange[]): readonly FileChange[] {
  const seen = new Map(changes.map((c) => [c.path, c]));
  for (const { path, content } of hidden) {
    const after = dirty.get(path);
    const before = seen.has(path) ? seen.get(path)?.before : content;
    if (after !== undefined && after !== before) seen.set(path, { path, before, after });
  }
  return [...seen.values()];
}

function graphOf(view: View, tasks: readonly string[]): TaskGraph {
  const { workspace, graph } = view;
  if (tasks.length > 0) return taskGraph(workspace, graph, { tasks, projects: allProjects(workspace) });
  return anythingGraph(view);
}

/** A task of every project that reads all its files, knows all its definitions, and waits for all it depends on. */
function anythingGraph({ workspace, graph }: View): TaskGraph {
  const { projects, shape } = workspace;
  const ids = projects.map((p) => `${p.name}#${anything}`);
  const names = once(() => [...taskNames(shape, projects)].sort());
  const nodes = allProjects(workspace).map((i): [string, TaskNode] => {
    const project = projects[i];
    const id = ids[i] ?? "";
    const definitions = once(() => names().flatMap((name) => (project ? tasksOf(workspace, project, name) : [])));
    const dependencies = (graph.out[i] ?? []).filter((e) => e.to !== 0).map((e) => ids[e.to] ?? "");
    return [id, { id, project: i, task: anythingOf(definitions), dependencies, besides: [], made: [] }];
  });
  return new Map(nodes);
}

/** Only the few projects that a change may have touched are asked for what their tasks are. */
function anythingOf(definitions: () => readonly Task[]): Task {
  return {
    name: anything,
    get command() {
      return `${definitions()
        .map((d) => JSON.stringify(d))
        .join("\n")} build test lint format typecheck e2e`;
    },
    get inputs() {
      return { ...allFiles, rootGlobs: [...new Set(definitions().flatMap((d) => d.inputs.rootGlobs))] };
    },
    get env() {
      return [...new Set(definitions().flatMap((d) => d.env))];
    },
    cwd: "",
    dependsOn: [],
    outputs: [],
    passThroughEnv: [],
    isCached: true,
    isPersistent: false,
    isLoose: false,
  };
}

function waitingIn(tasks: TaskGraph): ReadonlyMap<string, readonly string[]> {
  const waiting = new Map<string, string[]>();
  for (const node of tasks.values())
    for (const id of node.dependencies) {
      const list = waiting.get(id);
      if (list) list.push(node.id);
      else waiting.set(id, [node.id]);
    }
  return waiting;
}

async function viewBefore(head: View, changes: readonly FileChange[]): Promise<View> {
  const workspace = await baseOf(head.workspace, changes);
  const isRooted =
    changes.some((c) => head.workspace.ownerOf(c.path) === "") || workspace.projects !== head.workspace.projects;
  return {
    ...head,
    workspace,
    graph: isRooted ? makeGraph(workspace.projects, { workspace, reads: head.reads }) : head.graph,
    installed: isRooted ? await installed(workspace, false).catch(unreadable) : head.installed,
    rootFiles: isRooted ? new RootFiles(workspace) : head.rootFiles,
    machine: isRooted ? machineOf(workspace) : head.machine,
  };
}

/** A lock file that was broken then tells nobody that nothing changed. */
function unreadable(error: unknown): Installed {
  if (!(error instanceof Problem)) throw error;
  return { file: undefined, digestOf: () => error.message, missing: [] };
}

type Both = Readonly<{ head: View; base: View; past: TaskGraph; changes: readonly FileChange[] }>;

/** Why a node's key is another than at the base; undefined where it is the same. */
async function comparer({ head, base, past, changes }: Both): Promise<(node: TaskNode) => Because | undefined> {
  const [ofHead, ofBase] = [new PartsOf(head), new PartsOf(base)];
  const isLockChanged = changes.some((c) => c.path === lockfileOf(head.workspace));
  const packages = isLockChanged ? await packagesBetween(head, base) : () => [];
  return (node) => {
    const old = past.get(node.id);
    if (!old) return [`${node.id.replace(`#${anything}`, "")} is new`];
    const [now, before] = [ofHead.parts(node), ofBase.parts(old)];
    const part = partNames.find((name) => now[name] !== before[name]);
    if (!part) return undefined;
    const files = () => [ofHead.filesOf(node), ofBase.filesOf(old)] as const;
    return becauseOfPart(part, { node, now, before, files, head, base, changes, packages });
  };
}

function projectIn(id: string): string {
  return id.slice(0, id.lastIndexOf("#"));
}
