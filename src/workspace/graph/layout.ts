// Which files shape a workspace, and which of its directories are projects: npm, pnpm and yarn workspaces, Nx, lerna.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { PipelineConfig } from "../../domain/config/pipeline.ts";
import { Problem } from "../../domain/problem.ts";
import { gitFolder } from "../git/git-folder.ts";
import { matcher } from "../glob.ts";
import { isObject, type JsonObject, objectAt, parseJsonc, stringAt, stringsAt } from "../jsonc.ts";
import { parseYaml } from "../yaml.ts";

/** What each package manager reads, first what it prefers: a repository that changed its manager may keep an old file. */
export const lockfilesOf: Readonly<Record<string, readonly string[]>> = {
  npm: ["npm-shrinkwrap.json", "package-lock.json"],
  pnpm: ["pnpm-lock.yaml"],
  yarn: ["yarn.lock"],
  bun: ["bun.lock", "bun.lockb"],
};
export const lockfiles = Object.values(lockfilesOf).flat();
const configs = ["sluice.config.ts", "sluice.config.mts", "sluice.config.js", "sluice.config.mjs"];
const rootShapes = [
  "pnpm-workspace.yaml",
  ".yarnrc.yml",
  "lerna.json",
  "nx.json",
  "turbo.json",
  "turbo.jsonc",
  ...configs,
];
const shapes = new Set(["package.json", "project.json", "turbo.json", "turbo.jsonc"]);

/** True for a file from which the graph is made; `node_modules` never is. */
export function shapesGraph(path: string): boolean {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return shapes.has(path) || rootShapes.includes(path);
  return shapes.has(path.slice(slash + 1)) && !/(^|\/)node_modules\//.test(path);
}

/** The workspace's root: the nearest directory upwards with workspaces (or Nx, or Turborepo), else with a package.json. */
export function findRoot(from: string): string {
  const top = gitFolder(from)?.top;
  let single: string | undefined;
  for (let at = resolve(from); ; at = dirname(at)) {
    if (isWorkspaceRoot(at)) return at;
    if (existsSync(join(at, "package.json"))) single ??= at;
    if (at === top || dirname(at) === at) break;
  }
  if (single) return single;
  throw new Problem(`no package.json in ${from} or above it`, "Run sluice inside a repository with a package.json");
}

function isWorkspaceRoot(at: string): boolean {
  if (existsSync(join(at, "pnpm-workspace.yaml")) || existsSync(join(at, "nx.json"))) return true;
  if (existsSync(join(at, "lerna.json"))) return true;
  try {
    return /"workspaces"\s*:/.test(readFileSync(join(at, "package.json"), "utf8"));
  } catch {
    return false;
  }
}

export type Shape = Readonly<{
  root: JsonObject;
  /** Globs of member directories; undefined where this is a single package. */
  globs: readonly string[] | undefined;
  /** Nx finds projects by project.json; where turbo.json counts, package.json alone makes one. */
  isNx: boolean;
  pnpm: JsonObject;
  /** .yarnrc.yml */
  yarn: JsonObject;
  turbo: JsonObject | undefined;
  nx: JsonObject | undefined;
  /** Of sluice.config.ts. */
  pipeline?: PipelineConfig | undefined;
}>;

export type Read = (path: string) => string | undefined;

/** The root's own files, parsed. `read` gives a root file's text or undefined. */
export async function readShape(read: Read): Promise<Shape> {
  const parsed = (path: string) => {
    const text = read(path);
    return text === undefined ? undefined : parseJsonc(text, path);
  };
  const root = parsed("package.json") ?? {};
  const yaml = async (path: string) => {
    const text = read(path);
    return text === undefined ? {} : await parseYaml(text, path);
  };
  const pnpm = await yaml("pnpm-workspace.yaml");
  const yarn = await yaml(".yarnrc.yml");
  const nx = parsed("nx.json");
  const lerna = parsed("lerna.json");
  const globs =
    stringsAt(pnpm, "packages") ??
    stringsAt(root, "workspaces") ??
    stringsAt(objectAt(root, "workspaces"), "packages") ??
    (lerna ? (stringsAt(lerna, "packages") ?? ["packages/*"]) : undefined);
  const turbo = parsed("turbo.json") ?? parsed("turbo.jsonc") ?? (isObject(root.turbo) ? root.turbo : undefined);
  return { root, globs, isNx: nx !== undefined && turbo === undefined, pnpm, yarn, turbo, nx };
}

/** The same with the pipeline of sluice.config.ts, which is only evaluated where it speaks of one. */
export async function readWholeShape(root: string, read: Read): Promise<Shape> {
  const shape = await readShape(read);
  for (const file of configs) {
    const text = read(file);
    if (text === undefined) continue;
    if (!/\bpipeline\b/.test(text)) return shape;
    const { pipelineIn } = await import("../config-file.ts");
    return { ...shape, pipeline: await pipelineIn(join(root, file), text) };
  }
  return shape;
}

/** The directories of projects among the shaping files; the root "" is always one. */
export function projectDirs(shape: Shape, paths: Iterable<string>): string[] {
  const isMember = matcher((shape.globs ?? []).map((g) => g.replace(/^!\.?\/?/, "!").replace(/\/package\.json$/, "")));
  const exact = (dir: string) => isMember(dir) && !isUnder(dir) && !isSecret(dir);
  // A glob's match covers what is below it; a member must be matched itself.
  const isUnder = (dir: string) => (shape.globs ?? []).every((g) => !sameDepth(g, dir));
  // As everywhere in globs, a wildcard is no name that begins with a dot.
  const isSecret = (dir: string) => /(?:^|\/)\./.test(dir) && !(shape.globs ?? []).some((g) => /(?:^|\/)\.\w/.test(g));
  const dirs = new Set([""]);
  for (const path of paths) {
    const slash = path.lastIndexOf("/");
    if (slash < 0) continue;
    const [dir, file] = [path.slice(0, slash), path.slice(slash + 1)];
    if (file === "package.json" && exact(dir)) dirs.add(dir);
    if (file === "project.json" && shape.isNx) dirs.add(dir);
  }
  return [...dirs].sort();
}

function sameDepth(glob: string, dir: string): boolean {
  if (glob.startsWith("!")) return false;
  const bare = glob.replace(/^\.\//, "").replace(/\/+$/, "");
  return bare.includes("**") || bare.split("/").length === dir.split("/").length;
}

export function packageManager(shape: Shape, has: (path: string) => boolean): string {
  const named = stringAt(shape.root, "packageManager");
  if (named) return named;
  if (has("pnpm-lock.yaml") || has("pnpm-workspace.yaml")) return "pnpm";
  if (has("yarn.lock")) return "yarn";
  return has("bun.lock") || has("bun.lockb") ? "bun" : "npm";
}
