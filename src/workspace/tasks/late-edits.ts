// Looks again after a task ran: where something that its key speaks for changed meanwhile, what it made belongs to no key,
// nor does what is made of that.
import { lstatSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import type { Store } from "../cache/store.ts";
import { git, splitNul } from "../git/git.ts";
import type { FileEntry } from "../git/listing.ts";
import type { View } from "../git/view.ts";
import { contentAt, contentOf } from "../git/worktree.ts";
import { matcher } from "../glob.ts";
import { once } from "../once.ts";
import { dotenvAt } from "./dotenv.ts";
import { type TaskGraph, type TaskNode, withUpstream } from "./graph.ts";
import { firstTouched, type Made } from "./output-record.ts";
import { describe } from "./outputs.ts";
import type { PartsOf } from "./parts.ts";

export type LateEdits = Readonly<{
  /**
   * Of a task that has just run: what changed, as a person is told; undefined where its result may be kept. What it waits
   * for is looked at as well, unless that costs too much beside what tasks take; then `rest` does it.
   */
  of: (node: TaskNode) => Promise<string | undefined>;
  /** Done once all was looked at that the key speaks for, and is as it was. */
  whenLooked: (node: TaskNode, act: () => void) => void;
  /** Looks at what is left, all at once: the results that must be taken back, each with what changed. */
  rest: () => Promise<ReadonlyMap<string, string>>;
}>;

/** The share of a run's time that may be spent on looking at what tasks wait for, and how much is always there. */
export type LookBudget = Readonly<{ share: number; leastMs: number }>;
const usual: LookBudget = { share: 0.05, leastMs: 50 };

type Watched = Readonly<{
  view: View;
  tasks: TaskGraph;
  partsOf: PartsOf;
  /** Outputs as the tasks left them. */
  record: ReadonlyMap<string, Made>;
  store: Store;
  /** When the tree was looked at for the keys. */
  lookedAtMs: number;
  budget: LookBudget | undefined;
}>;

/** Clocks of file systems tick coarsely. */
const marginMs = 2000;

export function openLateEdits(watched: Watched): LateEdits {
  const { view, tasks, partsOf, record, store, lookedAtMs, budget = usual } = watched;
  const { root } = view.workspace;
  const look = openLook(view, lookedAtMs - marginMs);
  const doubtful = new Map<string, string>();
  const outputOf = (node: TaskNode, { id, task }: TaskNode): string | undefined => {
    const made = id === node.id ? undefined : record.get(id);
    if (!made) return undefined;
    const [isOutput, isToo] = [matcher(task.outputs), matcher(node.task.outputs)];
    const isKept = once(() => keptIn(store, root, made.key));
    return firstTouched(root, made, (path) => isOutput(path) && !isToo(path) && !isKept()(path));
  };
  const firstOf = async (node: TaskNode, all: readonly TaskNode[]): Promise<string | undefined> => {
    const touched = first(all, (one) => outputOf(node, one));
    if (touched !== undefined) return touched;
    const projects = new Set([...all.map((one) => one.project), ...sourcesBeside(view, all)]);
    const dirs = [...projects].map((i) => view.workspace.projects[i]?.dir ?? "");
    return (
      (await look.firstEdited(filesRead({ view, partsOf, all }))) ??
      first(new Set(["", ...dirs]), look.dotenvIn) ??
      (await look.firstAdded(all))
    );
  };
  const doubtOf = (node: TaskNode) => first(withUpstream(tasks, node), (one) => doubtful.get(one.id));
  const told = (node: TaskNode, path: string | undefined): string | undefined => {
    if (path !== undefined) doubtful.set(node.id, `${path} changed while ${node.id} ran`);
    return path === undefined ? undefined : `${path} changed while it ran`;
  };
  const begunMs = performance.now();
  let spentMs = 0;
  const unlooked = new Map<TaskNode, (() => void)[]>();
  return {
    async of(node) {
      const fromMs = performance.now();
      const isAfforded = spentMs < budget.leastMs + budget.share * (fromMs - begunMs);
      const before = doubtOf(node);
      if (before !== undefined) {
        doubtful.set(node.id, before);
        return before;
      }
      const why = told(node, await firstOf(node, isAfforded ? withUpstream(tasks, node) : [node]));
      if (isAfforded) spentMs += performance.now() - fromMs;
      else if (why === undefined) unlooked.set(node, []);
      return why;
    },
    whenLooked(node, act) {
      const waiting = unlooked.get(node);
      if (waiting) waiting.push(act);
      else act();
    },
    async rest() {
      const found = new Map<string, string>();
      const clean = new Set<TaskNode>();
      for (const [node, acts] of unlooked) {
        const all = withUpstream(tasks, node).filter((one) => !clean.has(one));
        const why = told(node, await firstOf(node, all)) ?? doubtOf(node);
        if (why !== undefined) found.set(node.id, why);
        else for (const act of acts) act();
        // What a task writes over of its own project's earlier outputs is clean for itself only.
        const isAlone = !all.some((one) => one !== node && one.project === node.project);
        if (why === undefined && isAlone) for (const one of all) if (one !== node) clean.add(one);
      }
      unlooked.clear();
      return found;
    },
  };
}

/** True for an output that was written anew, and is what it was. */
function keptIn(store: Store, root: string, key: string): (path: string) => boolean {
  const found = store.open(key);
  found?.close();
  const kept = new Map(found?.entry.outputs.map((output) => [output.path, JSON.stringify(output)]));
  return (path) => kept.has(path) && JSON.stringify(describe(root, path)) === kept.get(path);
}

/** Projects whose sources are in keys, without a task between. */
function sourcesBeside({ graph }: View, all: readonly TaskNode[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { besides, task, project } of all)
    for (const i of [...besides, ...(task.inputs.dependencySources ? (graph.out[project] ?? []).map((e) => e.to) : [])])
      found.add(i);
  for (const i of found) for (const { to } of graph.out[i] ?? []) found.add(to);
  return found;
}

type Reading = Readonly<{ view: View; partsOf: PartsOf; all: readonly TaskNode[] }>;

function* filesRead({ view, partsOf, all }: Reading): Generator<FileEntry> {
  const { workspace, installed } = view;
  for (const node of all) yield* partsOf.filesOf(node);
  for (const i of sourcesBeside(view, all)) yield* workspace.filesOf(workspace.projects[i]?.dir ?? "");
  for (const list of new Set(all.map((node) => partsOf.rootFilesOf(node))))
    for (const line of list.split("\n")) {
      const found = /^(.*) (\d{6} [0-9a-f]+)$/.exec(line);
      if (found) yield { path: found[1] ?? "", content: found[2] ?? "" };
    }
  for (const path of ["package.json", ...(installed.file === undefined ? [] : [installed.file])]) {
    const content = workspace.contentOf(path);
    if (content !== undefined) yield { path, content };
  }
}

function openLook({ workspace, dotenv }: View, sinceMs: number) {
  const { root } = workspace;
  const hidden = new Set(workspace.hidden.map((file) => file.path));
  const right = new Map<string, number>(); // looked into already, and not changed since then
  const ignored = new Set<string>();
  const isSame = ({ path, content }: FileEntry): boolean => {
    const stat = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (!stat) return hidden.has(path); // a sparse checkout's absent file
    if (stat.ctimeMs < sinceMs || right.get(path) === stat.ctimeMs) return true;
    if (contentAt(root, path)?.slice(7) !== content.slice(7)) return false;
    if (stat.ctimeMs < Date.now() - marginMs) right.set(path, stat.ctimeMs);
    return true;
  };
  return {
    async firstEdited(files: Iterable<FileEntry>): Promise<string | undefined> {
      for (const file of files) {
        if (isSame(file)) continue;
        const raw = { path: file.path, before: file.content, oid: "", mode: file.content.slice(0, 6) };
        const [now] = await contentOf(root, [raw]); // line endings and the like: as git would name it
        if (now?.after?.slice(7) !== file.content.slice(7)) return file.path;
      }
      return undefined;
    },
    dotenvIn(dir: string): string | undefined {
      const before = dotenv.of(dir);
      if (before === "" && changedAtMs(root, dir) < sinceMs) return undefined;
      return dotenvAt(root, dir) === before ? undefined : posix.join(dir, ".env");
    },
    /** A new file shows in its directory's time; git is asked only about names that no output explains. */
    async firstAdded(all: readonly TaskNode[]): Promise<string | undefined> {
      const news = new Map<string, TaskNode[]>();
      for (const node of all)
        for (const path of namesAdded(workspace, node, sinceMs))
          if (!ignored.has(path)) news.set(path, [...(news.get(path) ?? []), node]);
      if (news.size === 0) return undefined;
      const names = [...news.keys()].map((path) => `:(literal)${path}`);
      const found = await git(root, ["ls-files", "-z", "-o", "--exclude-standard", "--", ...names]);
      const visible = splitNul(found.out.toString());
      for (const path of news.keys()) if (!visible.some((one) => `${one}/`.startsWith(`${path}/`))) ignored.add(path);
      return visible.find((path) =>
        [...news].some(
          ([name, nodes]) => `${path}/`.startsWith(`${name}/`) && nodes.some((node) => isInput(node, path)),
        ),
      );
    },
  };
}

function namesAdded(workspace: View["workspace"], { project, task, made }: TaskNode, sinceMs: number): string[] {
  const { root, projects } = workspace;
  const known = workspace.filesOf(projects[project]?.dir ?? "").map((f) => f.path);
  const dirs = new Set([task.cwd, ...known.map((path) => posix.dirname(path)).map((d) => (d === "." ? "" : d))]);
  const moved = [...dirs].filter((dir) => changedAtMs(root, dir) >= sinceMs);
  if (moved.length === 0) return [];
  const paths = new Set(known);
  const isOutput = matcher([...made, ...task.outputs]);
  return moved
    .flatMap((dir) => namesIn(join(root, dir)).map((name) => (dir ? `${dir}/${name}` : name)))
    .filter((path) => !paths.has(path) && !dirs.has(path) && !isOutput(path));
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => !/^(?:node_modules|\.git|\.sluice|\.turbo|\.nx)$/.test(name));
  } catch {
    return []; // gone, or no directory any more: its files are gone, too
  }
}

function isInput({ task, made }: TaskNode, path: string): boolean {
  const { isAll, globs } = task.inputs;
  return matcher([...(isAll ? ["**"] : []), ...globs])(path) && !matcher([...made, ...task.outputs])(path);
}

function changedAtMs(root: string, dir: string): number {
  const stat = lstatSync(join(root, dir), { throwIfNoEntry: false });
  return stat?.isDirectory() ? stat.ctimeMs : 0;
}

function first<T, R>(all: Iterable<T>, look: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = look(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
