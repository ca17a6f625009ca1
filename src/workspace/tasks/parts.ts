// The parts of a task's key, each by name: two keys that differ can be compared part by part, for `why-miss` and for
// `affected --explain`. What must be in here, and what must not, is in docs/workspace.md.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type FileEntry, sourceKey } from "../git/listing.ts";
import type { View } from "../git/view.ts";
import { contentAt } from "../git/worktree.ts";
import { matcher, staticBase } from "../glob.ts";
import { components } from "../graph/graph.ts";
import type { Shape } from "../graph/layout.ts";
import type { Project } from "../graph/manifest.ts";
import { concerns } from "../graph/tool-config.ts";
import { type JsonObject, objectAt } from "../jsonc.ts";
import { hashedEnv, inferredEnv } from "./environment.ts";
import type { TaskNode } from "./graph.ts";
import type { Task } from "./pipeline.ts";

export const partNames = [
  "command",
  "definition",
  "sources",
  "environment",
  "dotenv",
  "dependencies",
  "tools",
  "root files",
  "root settings",
  "other inputs",
  "machine",
  "waits for",
] as const;
export type PartName = (typeof partNames)[number];
export type Parts = Readonly<Record<PartName, string>>;

/** In the order in which they stand in the part of that name. */
export const definitionFields = [
  "directory",
  "outputs",
  "variables",
  "inputs",
  "dependsOn",
  "passes all variables",
  "matrix",
  "services",
] as const;

/** Pure of order: the same view and node always give the same parts. */
export class PartsOf {
  readonly #view: View;
  readonly #settings: string;
  #isOpen = false;
  readonly #lists = new Map<string, string>();
  readonly #paths = new Map<string, ReadonlySet<string>>();
  readonly #listed = new Map<ReadonlySet<string>, Map<string, string>>();
  readonly #globs = new Map<string, readonly FileEntry[]>();
  readonly #read = new Map<string, readonly FileEntry[]>();
  #deep: readonly string[] | undefined;

  constructor(view: View) {
    this.#view = view;
    this.#settings = rootSettings(view);
  }

  parts(node: TaskNode): Parts {
    const { workspace, installed, dotenv, machine } = this.#view;
    const { task } = node;
    const project = this.#project(node);
    return {
      command: task.command ?? "",
      definition: JSON.stringify([
        task.cwd,
        task.outputs,
        task.env,
        task.inputs,
        task.dependsOn,
        task.isLoose,
        ...besides(task, workspace.shape),
      ]),
      sources: this.#sources(node),
      environment: this.#environment(project, task),
      dotenv: [dotenv.of(""), project.dir && dotenv.of(project.dir)].join("\n"),
      dependencies: installed.digestOf(project.dir),
      tools: project.dir ? installed.digestOf("") : "",
      "root files": this.#rootFiles(project, task),
      "root settings": this.#settings,
      "other inputs": this.#others(node),
      machine,
      "waits for": [...node.dependencies, ...node.besides.map((i) => `${workspace.projects[i]?.name} (sources)`)].join(
        "\n",
      ),
    };
  }

  /** True when some part was read from files that git does not list. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The files of the project that the task reads, as they were when they were first asked for. */
  filesOf(node: TaskNode): readonly FileEntry[] {
    const known = this.#read.get(node.id);
    if (known) return known;
    const entries = this.#entries(node);
    this.#read.set(node.id, entries);
    return entries;
  }

  /** The files outside the project that the task reads, as lines of `path content`: one string for all that read the same. */
  rootFilesOf(node: TaskNode): string {
    return this.#rootFiles(this.#project(node), node.task);
  }

  /** Every file whose content is in the key, by its path. */
  pathsRead(node: TaskNode): readonly string[] {
    const { dir } = this.#project(node);
    const named = (list: string, place = "") =>
      list.split("\n").flatMap((line) => {
        const path = line.replace(/ [0-9]{6} [0-9a-f]+$/, "");
        return path ? [place ? `${place}/${path}` : path] : [];
      });
    const { dotenv } = this.#view;
    const own = this.filesOf(node).map((f) => f.path);
    const roots = named(this.#rootFiles(this.#project(node), node.task));
    return [...own, ...roots, ...named(dotenv.of("")), ...named(dir ? dotenv.of(dir) : "", dir)];
  }

  #project(node: Pick<TaskNode, "project">): Project {
    const project = this.#view.workspace.projects[node.project];
    if (!project) throw new Error(`no project ${node.project}`);
    return project;
  }

  #environment(project: Project, task: Task): string {
    const inferred = inferredEnv(project);
    const key = `env ${inferred.join()} ${task.env.join()}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const hashed = hashedEnv(task.env, inferred, this.#view.env);
    this.#lists.set(key, hashed);
    return hashed;
  }

  #sources(node: TaskNode): string {
    const project = this.#project(node);
    const { inputs, outputs } = node.task;
    const isPlain = inputs.isAll && inputs.globs.length === 0 && !this.#hasVisible(project, [...outputs, ...node.made]);
    return isPlain ? this.#view.workspace.sourceKeyOf(project.dir) : sourceKey(this.filesOf(node));
  }

  /** True when some file that is not ignored may be an output. */
  #hasVisible(project: Project, outputs: readonly string[]): boolean {
    const top = this.#view.reads.get(project.dir)?.top ?? [];
    const depth = project.dir ? project.dir.length + 1 : 0;
    return outputs.some((glob) => {
      if (glob.startsWith("!")) return false;
      const first = staticBase(glob).slice(depth).split("/", 1)[0] ?? "";
      return first === "" || top.includes(first);
    });
  }

  /** What git has is a source, whatever the outputs say: else an edit of it would be missed. */
  #entries(node: TaskNode): readonly FileEntry[] {
    const { workspace } = this.#view;
    const project = this.#project(node);
    const { inputs, outputs } = node.task;
    const [isOwn, isMade] = [matcher(outputs), matcher(node.made)];
    const isOutput = (path: string) => (isOwn(path) || isMade(path)) && !workspace.isTracked(path);
    const isInput = matcher([...(inputs.isAll ? ["**"] : []), ...inputs.globs]);
    const manifest = project.dir ? `${project.dir}/package.json` : "package.json";
    const files = workspace.filesOf(project.dir);
    const read = files.filter((f) => f.path === manifest || (isInput(f.path) && !isOutput(f.path)));
    return [...read, ...this.#ignored(inputs.globs, files)];
  }

  /** Declared inputs that git ignores are read by content. */
  #ignored(globs: readonly string[], files: readonly FileEntry[]): FileEntry[] {
    const { root } = this.#view.workspace;
    const bases = new Set(globs.filter((g) => !g.startsWith("!")).map((g) => staticBase(g)));
    const known = new Set(files.map((f) => f.path));
    const isInput = matcher(globs);
    return [...bases].flatMap((base) => {
      const isTracked = known.has(base) || files.some((f) => f.path.startsWith(`${base}/`));
      if (!isTracked) this.#isOpen = true;
      if (isTracked || !lstatSync(join(root, base), { throwIfNoEntry: false })) return [];
      return everyFile(root, base).flatMap((path) => {
        const content = isInput(path) ? contentAt(root, path) : undefined;
        return content ? [{ path, content }] : [];
      });
    });
  }

  #rootPaths(project: Project, task: Task): ReadonlySet<string> {
    const { rootFiles, reads } = this.#view;
    const own = reads.get(project.dir);
    const families = [...rootFiles.families()].filter(
      ([family]) => project.dir && !own?.families.includes(family) && concerns(family, task.name, task.command ?? ""),
    );
    const key = JSON.stringify([own?.outside ?? [], families.map(([f]) => f)]);
    const known = this.#paths.get(key);
    if (known) return known;
    const named = (own?.outside ?? []).flatMap((path) => rootFiles.reachedFrom(path));
    const all = new Set([...rootFiles.always(), ...families.flatMap(([, files]) => files), ...named].sort());
    this.#paths.set(key, all);
    return all;
  }

  #rootFiles(project: Project, task: Task): string {
    const { rootFiles } = this.#view;
    const all = this.#rootPaths(project, task);
    const byGlobs = this.#listed.get(all) ?? new Map<string, string>();
    this.#listed.set(all, byGlobs);
    const known = byGlobs.get(task.inputs.rootGlobs.join("\n"));
    if (known !== undefined) return known;
    const globbed = this.#globbed(task.inputs.rootGlobs);
    const exact = task.inputs.rootGlobs.filter((g) => !/[*?[{]/.test(g));
    const ignored = this.#ignored(
      exact,
      globbed.length > 0 ? [...globbed, ...this.#view.workspace.filesOf("")] : this.#view.workspace.filesOf(""),
    );
    const list = [
      ...[...all].map((p) => `${p} ${rootFiles.contentOf(p)}`),
      ...globbed.filter((f) => !all.has(f.path)).map((f) => `${f.path} ${f.content}`),
      ...ignored.map((f) => `${f.path} ${f.content}`),
    ];
    byGlobs.set(task.inputs.rootGlobs.join("\n"), list.join("\n"));
    return list.join("\n");
  }

  /** Also files of other projects: `../../libs/x/**` is a way to declare them. */
  #globbed(globs: readonly string[]): readonly FileEntry[] {
    if (globs.length === 0) return [];
    const known = this.#globs.get(globs.join("\n"));
    if (known) return known;
    const { workspace } = this.#view;
    const wanted = matcher(globs);
    const bases = globs.filter((g) => !g.startsWith("!")).map(staticBase);
    const meets = (dir: string) =>
      bases.some((base) => `${base}/`.startsWith(`${dir}/`) || `${dir}/`.startsWith(base && `${base}/`));
    const dirs = workspace.projects.map((p) => p.dir).filter((dir) => dir === "" || meets(dir));
    const found = dirs.flatMap((dir) => workspace.filesOf(dir)).filter(({ path }) => wanted(path));
    this.#globs.set(globs.join("\n"), found);
    return found;
  }

  #others(node: TaskNode): string {
    const { inputs } = node.task;
    const below = inputs.dependencySources ? (this.#view.graph.out[node.project] ?? []).map((e) => e.to) : [];
    const read = [...new Set([...node.besides, ...below, ...this.#throughRoot(node)])];
    const sources = read.map((i) => `${this.#view.workspace.projects[i]?.name} ${this.#deepSources()[i]}`);
    return [...sources, ...this.#runtime(inputs.runtime)].sort().join("\n");
  }

  /** Projects that the root declares (everyone uses its tools) or that configuration at the root names. */
  #throughRoot({ project, task }: TaskNode): readonly number[] {
    const { graph, rootFiles } = this.#view;
    const ofRoot = graph.out[0] ?? [];
    if (ofRoot.length === 0 || project === 0) return [];
    const declared = ofRoot.filter((e) => e.kind === "declared").map((e) => e.to);
    const paths = this.#rootPaths(this.#project({ project }), task);
    return [...declared, ...["package.json", ...paths].flatMap((path) => rootFiles.projectsNamedBy(path))];
  }

  /** What commands print that are inputs (Nx's `runtime`). */
  #runtime(commands: readonly string[]): readonly string[] {
    if (commands.length > 0) this.#isOpen = true;
    const { root } = this.#view.workspace;
    return commands.map((command) => {
      const printed = this.#lists.get(`runtime ${command}`) ?? printedBy(command, root);
      this.#lists.set(`runtime ${command}`, printed);
      return `${command} ${printed}`;
    });
  }

  /** For each project, one digest over its sources and those of all that it depends on. */
  #deepSources(): readonly string[] {
    if (this.#deep) return this.#deep;
    const { workspace, graph } = this.#view;
    const deep: string[] = [];
    for (const group of components(workspace.projects.length, (i) => (graph.out[i] ?? []).map((e) => e.to))) {
      const own = group.map((i) => workspace.sourceKeyOf(workspace.projects[i]?.dir ?? "")).sort();
      const below = new Set(group.flatMap((i) => (graph.out[i] ?? []).map((e) => deep[e.to] ?? "")).sort());
      const digest = createHash("sha1")
        .update([...own, ...below].join("\n"))
        .digest("hex");
      for (const i of group) deep[i] = digest;
    }
    this.#deep = deep;
    return deep;
  }
}

function printedBy(command: string, cwd: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { cwd, timeout: 60_000 });
  return createHash("sha1").update(`${status}\n${stdout}\n${stderr}`).digest("hex");
}

/** The combination of a matrix, and what the services that run beside it are. */
function besides({ more }: Task, { pipeline }: Shape): readonly unknown[] {
  const services = more?.services?.map((name) => [name, pipeline?.services[name] ?? null]);
  return more?.variant || services ? [more?.variant ?? null, services ?? null] : [];
}

/** Of the root manifest: what chooses the tools, and settings that tools find there when they look upwards. */
const told = [
  "packageManager",
  "engines",
  "volta",
  "devEngines",
  "type",
  "imports",
  "browserslist",
  "babel",
  "prettier",
];
const toldToo = ["eslintConfig", "eslintIgnore", "stylelint", "postcss", "jest", "ava", "mocha", "nyc", "c8", "xo"];

/** What the root manifest and the package manager's settings say about how packages are run; what else they say is in the closures. */
function rootSettings({ workspace: { shape }, env }: View): string {
  const { root, pnpm, yarn, pipeline } = shape;
  const settings = [...told, ...toldToo].flatMap((k) =>
    root[k] === undefined ? [] : [`${k} ${JSON.stringify(root[k])}`],
  );
  const salts = [env.SLUICE_CACHE_SALT ?? "", pipeline?.cache?.salt ?? ""];
  const salt = `salt ${createHash("sha1").update(salts.join("\0")).digest("hex")}`;
  return [...settings, ...[objectAt(root, "pnpm"), pnpm, yarn].map(unresolved), salt].join("\n");
}

/** Settings whose effect the lock file does not show. */
function unresolved(settings: JsonObject): string {
  const shown = ["packages", "catalog", "catalogs", "overrides", "patchedDependencies"];
  return JSON.stringify(Object.entries(settings).filter(([key]) => !shown.includes(key)));
}

function everyFile(root: string, at: string): string[] {
  const stat = lstatSync(join(root, at), { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat ? [at] : [];
  return readdirSync(join(root, at))
    .filter((name) => name !== "node_modules" && name !== ".git")
    .sort()
    .flatMap((name) => everyFile(root, `${at}/${name}`));
}
