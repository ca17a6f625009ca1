// What the files of each project name: packages, paths outside it, tools. Scanned again only where sources changed.
import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { packageOf } from "../graph/imports.ts";
import type { Project } from "../graph/manifest.ts";
import { namedBy } from "../graph/named-by.ts";
import { isFamily, ownFamilies, type ToolFamily } from "../graph/tool-config.ts";
import { aliasesIn } from "../graph/tsconfig.ts";
import type { Workspace } from "../graph/workspace.ts";
import { isObject, type Json, parseJsonc } from "../jsonc.ts";
import { beginWork } from "../long-work.ts";
import { once } from "../once.ts";
import { interned } from "../packed.ts";

export type Reads = Readonly<{
  key: string;
  /** Declared dependencies that are imported. */
  used: readonly string[];
  /** Specifiers whose package is not declared. */
  undeclared: readonly string[];
  /** Paths from the workspace root, as written: perhaps without an extension, perhaps a directory. */
  outside: readonly string[];
  /** Tools for which the project has a configuration of its own. */
  families: readonly ToolFamily[];
  /** First parts of its files' paths, within the project. */
  top: readonly string[];
  /** One digest over the files from which tools (and Nx's plugins) are configured. */
  configs: string;
}>;

const configuration =
  /(?:config[^/]*\.(?:[cm]?[jt]s|jsonc?)|(?:^|\/)(?:project|package)\.json|Dockerfile[^/]*|\.[^/]*rc[^/]*)$/;
const form = "reads 4";
/** Names and lists recur: they are written once. */
type Packed = Readonly<{
  names: readonly string[];
  lists: readonly (readonly string[])[];
  rows: readonly (readonly [dir: string, key: string, configs: string, used: readonly number[], ...lists: number[]])[];
}>;

/** Of every project but the root, by directory. Only projects whose sources changed are scanned. */
export function readsOf(workspace: Workspace): ReadonlyMap<string, Reads> {
  const file = join(stateFolder(workspace.root), "reads", "memory");
  const known = remembered(file);
  const all = new Map<string, Reads>();
  let isNew = known.size !== workspace.projects.length;
  beginWork(workspace.projects.length - known.size);
  for (const project of workspace.projects) {
    const key = workspace.sourceKeyOf(project.dir);
    const old = known.get(project.dir);
    if (old?.key !== key) isNew = true;
    all.set(project.dir, old?.key === key ? old : scan(workspace, project, key));
  }
  if (isNew) remember(file, all);
  return all;
}

function remembered(file: string): ReadonlyMap<string, Reads> {
  const packed = readSealedJson<Packed>(file, form);
  if (!packed) return new Map();
  const { names, lists } = packed;
  const list = (i: number | undefined) => lists[i ?? -1] ?? [];
  return new Map(
    packed.rows.map(([dir, key, configs, used, undeclared, outside, families, top]) => [
      dir,
      {
        key,
        configs,
        used: used.map((i) => names[i] ?? ""),
        undeclared: list(undeclared),
        outside: list(outside),
        families: list(families).filter(isFamily),
        top: list(top),
      },
    ]),
  );
}

function remember(file: string, all: ReadonlyMap<string, Reads>): void {
  const [names, lists] = [interned<string>(), interned<readonly string[]>()];
  const rows = [...all].map(([dir, r]): Packed["rows"][number] => [
    dir,
    r.key,
    r.configs,
    r.used.map(names.numberOf),
    ...[r.undeclared, r.outside, r.families, r.top].map(lists.numberOf),
  ]);
  const packed: Packed = { names: names.values, lists: lists.values, rows };
  writeSealed(file, form, JSON.stringify(packed));
}

function scan(workspace: Workspace, project: Project, key: string): Reads {
  const declared = new Set(project.dependencies.map((d) => d.name));
  const used = new Set<string>();
  const undeclared = new Set<string>();
  const outside = new Set<string>();
  const files = workspace.filesOf(project.dir).filter((f) => !f.content.startsWith("160000"));
  const aliased = aliasesIn(
    workspace,
    files.map((f) => f.path),
  );
  const inner = once(() => innerNames(workspace, project.dir));
  const notePath = (path: string) => {
    if (workspace.ownerOf(`${path}/x`) !== project.dir && !path.startsWith("..")) outside.add(path);
  };
  const note = (from: string, specifier: string) => {
    if (/^\.\.?(\/|$)/.test(specifier)) return notePath(posix.join(posix.dirname(from), specifier).replace(/\/$/, ""));
    if (specifier.startsWith("#") && from) for (const name of inner()) note("", name);
    const alias = aliased.of(specifier);
    if (alias.length > 0) {
      alias.forEach(notePath);
      return;
    }
    const name = packageOf(specifier);
    if (!name || isBuiltin(name) || name === project.packageName) return;
    if (declared.has(name)) {
      used.add(name);
      return;
    }
    undeclared.add(specifier);
    for (const path of aliased.bases.map((base) => posix.join(base, specifier)))
      if (workspace.ownerOf(`${path}/x`) !== "") notePath(path);
  };
  for (const { path, content } of files) {
    if (content.startsWith("120000")) note(path, `./${linkAt(workspace, path)}`);
    else for (const specifier of namedBy(workspace, path)) note(path, specifier);
  }
  for (const { range } of project.dependencies) {
    const path = /^(?:file|link|portal):(.*)$/.exec(range)?.[1];
    if (path) note(`${project.dir}/package.json`, `./${path}`);
  }
  for (const script of Object.values(project.scripts)) {
    for (const path of pathsIn(script)) note(`${project.dir}/package.json`, path);
  }
  const lists = { used: [...used].sort(), undeclared: [...undeclared].sort(), outside: [...outside].sort() };
  const depth = project.dir ? project.dir.length + 1 : 0;
  const top = [...new Set(files.map((f) => f.path.slice(depth).split("/", 1)[0] ?? ""))];
  const configs = createHash("sha1");
  for (const { path, content } of files) if (configuration.test(path)) configs.update(`${path} ${content}\n`);
  return {
    key,
    configs: configs.digest("hex"),
    ...lists,
    top,
    families: ownFamilies(
      files.map((f) => f.path),
      project.dir,
    ),
  };
}

/** What the `imports` of a manifest (`#name`) lead to outside the package. */
function innerNames(workspace: Workspace, dir: string): readonly string[] {
  const manifest = dir ? `${dir}/package.json` : "package.json";
  const leaves = (value: Json | undefined): readonly string[] =>
    typeof value === "string" ? [value] : isObject(value) ? Object.values(value).flatMap(leaves) : [];
  const { imports } = parseJsonc(workspace.read(manifest) ?? "{}", manifest);
  return leaves(imports).filter((name) => !name.startsWith("./"));
}

/** Where a symbolic link leads: what is there is read through it. */
function linkAt({ root }: Workspace, path: string): string {
  try {
    const to = readlinkSync(join(root, path));
    return to.startsWith("/") ? "" : to;
  } catch {
    return ""; // checked out without links, or gone since
  }
}

/** `node ../../tools/build.mjs --config ../x.json` → the two paths. */
function pathsIn(script: string): string[] {
  return [...script.matchAll(/(?:^|[\s='":])((?:\.\/)?\.\.\/[^\s'";&|<>$()*?]*)/g)].map((m) => m[1] ?? "");
}
