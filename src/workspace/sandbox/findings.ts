// What a task touched beside what its key and its outputs say, each with the mend. A read that is not in the key is a result
// that comes from the cache although the file has changed; a write that is no output does not come back from the cache.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, posix, relative } from "node:path";
import type { View } from "../git/view.ts";
import { matcher } from "../glob.ts";
import { lockfiles } from "../graph/layout.ts";
import type { Project } from "../graph/manifest.ts";
import { lockOf } from "../lockfile/dependencies.ts";
import { type LockGraph, namesReached } from "../lockfile/lockfile.ts";
import { type TaskGraph, type TaskNode, withUpstream } from "../tasks/graph.ts";
import type { PartsOf } from "../tasks/parts.ts";
import type { Touched } from "./strace.ts";

type Finding = Readonly<{
  /** From the workspace root; absolute outside it; the name of a package. */
  paths: readonly string[];
  mend: string;
}>;

export type Findings = Readonly<{ reads: readonly Finding[]; writes: readonly Finding[] }>;

export type Known = Readonly<{ view: View; tasks: TaskGraph; partsOf: PartsOf }>;

export type Check = (node: TaskNode, touched: Touched) => Promise<Findings>;

/** The lock file is parsed once, when the first task has ended. */
export function openCheck(known: Known): Check {
  let lock: Promise<LockGraph | undefined> | undefined;
  return async (node, { reads, writes }) => {
    lock ??= lockOf(known.view.workspace);
    const isDeclared = declaredReads(known, node);
    const world = { ...known, node, isDeclared, packages: packagesOf(known, node, await lock) };
    return {
      reads: found(reads, (path) => readMend(world, path)),
      writes: found(writes, (path) => writeMend(world, path)),
    };
  };
}

/** "2 reads, 1 write" */
export function counted({ reads, writes }: Findings): string {
  const count = (n: number, word: string) => (n === 0 ? [] : [`${n} ${word}${n === 1 ? "" : "s"}`]);
  return [...count(reads.length, "read"), ...count(writes.length, "write")].join(", ");
}

/** One finding for all files that the same mend is for. */
function found(paths: Iterable<string>, look: (path: string) => Told | undefined): readonly Finding[] {
  const byMend = new Map<string, Set<string>>();
  for (const one of paths) {
    const told = look(one);
    if (told) byMend.set(told.mend, (byMend.get(told.mend) ?? new Set()).add(told.path));
  }
  const all = [...byMend].map(([mend, set]) => ({ paths: [...set].sort(), mend }));
  return all.sort((a, b) => ((a.paths[0] ?? "") < (b.paths[0] ?? "") ? -1 : 1));
}

type Told = Readonly<{ path: string; mend: string }>;

type World = Known &
  Readonly<{
    node: TaskNode;
    isDeclared: (path: string) => boolean;
    /** Names of registry packages in the key; undefined where no lock file tells. */
    packages: ReadonlySet<string> | undefined;
  }>;

function readMend(world: World, absolute: string): Told | undefined {
  const { view, node, isDeclared, packages } = world;
  const path = inside(view, absolute);
  if (path === undefined)
    return outside(absolute, "Have it in the workspace, as an input, or pass what it says in a declared variable");
  if (isOwnBusiness(path) || isDeclared(path)) return undefined;
  if (path.startsWith(".git/") && !/^\.git\/(?:\w*HEAD|refs|packed-refs|index|logs|objects)/.test(path))
    return undefined;
  if (path.startsWith(".git/")) return finding(".git", "What git says is no input: pass it in a declared variable");
  const own = projectOf(view, node);
  const name = packageAt(path);
  if (name !== undefined) {
    if (name === "" || packages === undefined || packages.has(name)) return undefined;
    return finding(name, `Add ${name} to the dependencies in ${manifestOf(own)}`);
  }
  if (!isFile(absolute)) return undefined; // made and removed meanwhile
  return finding(path, inputMend(world, path));
}

function inputMend({ view, tasks, node }: World, path: string): string {
  const maker = [...tasks.values()].find((other) => other.task.isCached && matcher(other.task.outputs)(path));
  if (maker) return `Let ${node.id} wait for ${maker.id} (dependsOn), which makes it`;
  const own = projectOf(view, node);
  const owner = view.workspace.projects.find((p) => p.dir === view.workspace.ownerOf(path));
  const input = (glob: string) =>
    `add ${JSON.stringify(relative(own.dir || ".", glob))} to the inputs of ${node.task.name}`;
  if (!owner || owner === own || owner.dir === "") return capital(input(path));
  if (view.workspace.contentOf(path) === undefined)
    return `Let ${node.id} wait for the task of ${owner.name} that makes it (dependsOn)`;
  if (own.dir === "") return capital(input(`${owner.dir}/**`));
  const isKnown = (view.graph.out[node.project] ?? []).some((e) => view.workspace.projects[e.to] === owner);
  const first = isKnown ? "" : `Add ${owner.name} to the dependencies in ${manifestOf(own)} and let`;
  return `${first || "Let"} ${node.task.name} wait for "^${node.task.name}" (dependsOn), or ${input(`${owner.dir}/**`)}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function writeMend({ view, tasks, node }: World, absolute: string): Told | undefined {
  const path = inside(view, absolute);
  if (!isFile(absolute)) return undefined; // it was a temporary one
  if (path === undefined) return outside(absolute, "Write into the project");
  if (isOwnBusiness(path) || path.startsWith(".git/") || packageAt(path) !== undefined) return undefined;
  if (matcher(node.task.outputs)(path)) return undefined;
  if (view.workspace.isTracked(path))
    return finding(path, "It is a source: a task that writes sources cannot be cached (cache: false)");
  const maker = [...tasks.values()].find((other) => other.task.isCached && matcher(other.task.outputs)(path));
  if (maker) return finding(path, `It is an output of ${maker.id}: write elsewhere`);
  const own = projectOf(view, node);
  const isOwn = view.workspace.ownerOf(path) === own.dir;
  return finding(
    path,
    isOwn
      ? `Add ${JSON.stringify(relative(own.dir || ".", path))} to the outputs of ${node.task.name}`
      : `Write it in ${own.dir || "the root"}, as an output`,
  );
}

/** In the key itself, or in that of a task before it. */
function declaredReads({ view, tasks, partsOf }: Known, node: TaskNode): (path: string) => boolean {
  const { workspace, graph } = view;
  const before = withUpstream(tasks, node);
  const paths = new Set(before.flatMap((one) => partsOf.pathsRead(one)));
  const isOutput = matcher(before.flatMap((one) => one.task.outputs));
  const wholes = new Set<number>();
  const addWhole = (project: number) => {
    if (wholes.has(project)) return;
    wholes.add(project);
    for (const edge of graph.out[project] ?? []) addWhole(edge.to);
  };
  for (const one of before) {
    for (const project of one.besides) addWhole(project);
    if (one.task.inputs.dependencySources) for (const edge of graph.out[one.project] ?? []) addWhole(edge.to);
  }
  const dirs = new Set([...wholes].map((i) => workspace.projects[i]?.dir));
  return (path) => paths.has(path) || isOutput(path) || dirs.has(workspace.ownerOf(path)) || isInKeyOtherwise(path);
}

/** Manifests of the root count by their parts; what is installed by the closure of the lock file. */
function isInKeyOtherwise(path: string): boolean {
  return /^(?:package\.json|pnpm-workspace\.yaml|\.pnp\..*)$/.test(path) || lockfiles.some((file) => file === path);
}

function packagesOf({ view: { workspace }, tasks }: Known, node: TaskNode, lock: LockGraph | undefined) {
  if (!lock) return undefined;
  const projects = [...new Set([0, ...withUpstream(tasks, node).map((one) => one.project)])];
  return new Set(
    projects.flatMap((i) => {
      const project = workspace.projects[i];
      return project ? [...namesReached(lock, project), ...project.dependencies.map((d) => d.name)] : [];
    }),
  );
}

/** The tool's own folder, and what package managers keep. */
function isOwnBusiness(path: string): boolean {
  return /^(?:\.sluice|\.yarn|\.turbo|\.nx)(?:\/|$)/.test(path) || /(?:^|\/)\.turbo\//.test(path);
}

/** The package that a file in node_modules is of; "" for caches and lists there; undefined elsewhere. */
function packageAt(path: string): string | undefined {
  const at = `/${path}`.lastIndexOf("/node_modules/");
  if (at < 0) return undefined;
  const name = /^((?:@[^/]+\/)?[^/]+)\//.exec(path.slice(at + "node_modules/".length))?.[1] ?? "";
  return name.startsWith(".") ? "" : name;
}

function inside({ workspace: { root } }: View, absolute: string): string | undefined {
  const path = relative(realRoot(root), absolute);
  return path.startsWith("..") || path === "" ? undefined : path;
}

const realRoots = new Map<string, string>();
function realRoot(root: string): string {
  const known = realRoots.get(root) ?? realpathSync(root);
  realRoots.set(root, known);
  return known;
}

/** What the machine itself has, and what tools keep for themselves, is not told of. */
function outside(absolute: string, mend: string): Told | undefined {
  const machine = /^\/(?:usr|lib\w*|bin|sbin|etc|proc|dev|sys|run|var|opt|nix|snap|tmp)(?:\/|$)/;
  const folders = [tmpdir(), dirname(dirname(process.execPath))];
  if (machine.test(absolute) || folders.some((folder) => absolute.startsWith(`${folder}/`))) return undefined;
  const ofHome = relative(homedir(), absolute);
  if (ofHome.startsWith(".") && !ofHome.startsWith("..")) return undefined;
  if (/\/node_modules\//.test(absolute) || !existsSync(absolute)) return undefined;
  return finding(absolute, mend);
}

function isFile(absolute: string): boolean {
  return lstatSync(absolute, { throwIfNoEntry: false })?.isFile() ?? false;
}

function projectOf(view: View, node: TaskNode): Project {
  const project = view.workspace.projects[node.project];
  if (!project) throw new Error(`no project ${node.project}`);
  return project;
}

function manifestOf(project: Project): string {
  return posix.join(project.dir, "package.json");
}

function finding(path: string, mend: string): Told {
  return { path, mend };
}
