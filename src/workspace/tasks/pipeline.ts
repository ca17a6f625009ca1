// What a task is, resolved for one project: its command, what it reads, what it makes, what it waits for. Read from
// turbo.json, else nx.json, else scripts of package.json by the default pipeline.

import type { Shape } from "../graph/layout.ts";
import type { Project } from "../graph/manifest.ts";
import { nxTask } from "./nx.ts";
import { turboTask } from "./turbo.ts";
import { withPipeline } from "./written.ts";

export type Inputs = Readonly<{
  /** All files of the project that are not outputs; `globs` then add or (with `!`) take away. */
  isAll: boolean;
  globs: readonly string[];
  /** From the workspace root. */
  rootGlobs: readonly string[];
  /** The sources of the projects it depends on, near and far. */
  dependencySources: boolean;
  /** Commands whose output is an input. */
  runtime: readonly string[];
}>;

export type Task = Readonly<{
  name: string;
  /** Shell text; undefined: nothing runs here, but changes pass through. */
  command: string | undefined;
  /** From the workspace root. */
  cwd: string;
  /** `build`, `^build`, `project#build`. */
  dependsOn: readonly string[];
  inputs: Inputs;
  /** Globs from the workspace root; `!` takes back. */
  outputs: readonly string[];
  env: readonly string[];
  passThroughEnv: readonly string[];
  isCached: boolean;
  isPersistent: boolean;
  /** Every variable reaches the task (turbo's `envMode: "loose"`). */
  isLoose: boolean;
  /** What sluice.config.ts alone can say. */
  more?: More;
}>;

export type More = Readonly<{
  /** Of one combination of a matrix: variables and their values. */
  variant?: Readonly<Record<string, string>>;
  services?: readonly string[];
  timeoutMs?: number;
  retries?: number;
  memoryMiB?: number;
}>;

export const allFiles: Inputs = { isAll: true, globs: [], rootGlobs: [], dependencySources: false, runtime: [] };

export const stages = ["install", "format", "lint", "typecheck", "test", "build", "security", "package"] as const;

const defaults: Readonly<Record<string, { dependsOn: readonly string[]; outputs: readonly string[] }>> = {
  typecheck: { dependsOn: ["^build"], outputs: [] },
  test: { dependsOn: ["^build"], outputs: ["coverage/**"] },
  build: {
    dependsOn: ["^build"],
    outputs: ["dist/**", "build/**", "out/**", ".next/**", "!.next/cache/**", ".output/**", ".svelte-kit/**"],
  },
  package: { dependsOn: ["build"], outputs: ["*.tgz"] },
};

export function source(shape: Shape): "turbo.json" | "nx.json" | "package.json" {
  if (shape.turbo) return "turbo.json";
  return shape.nx ? "nx.json" : "package.json";
}

/** A workspace, as far as tasks are concerned. */
export type Of = Readonly<{ shape: Shape; projects: readonly Project[] }>;

/** The task as this project has it, once for each combination of its matrix; none where nobody knows it. */
export function tasksOf(of: Of, project: Project, name: string): readonly Task[] {
  const { shape } = of;
  const base = taskOf(of, project, name);
  return shape.pipeline ? withPipeline(shape.pipeline, project, { name, base }) : base ? [base] : [];
}

function taskOf(of: Of, project: Project, name: string): Task | undefined {
  const { shape } = of;
  const from = source(shape);
  if (from === "turbo.json") return turboTask(of, project, name);
  if (from === "nx.json") return nxTask(shape, project, name);
  return scriptTask(project, name);
}

/** Names that some project could be asked to run. */
export function taskNames(shape: Shape, projects: readonly Project[]): ReadonlySet<string> {
  const names = new Set<string>(projects.flatMap((p) => Object.keys(p.scripts)));
  for (const { nx } of projects)
    for (const name of Object.keys((nx?.targets as object | undefined) ?? {})) names.add(name);
  for (const table of [shape.turbo?.tasks, shape.turbo?.pipeline, shape.nx?.targetDefaults])
    for (const key of Object.keys(table ?? {})) names.add(key.slice(key.indexOf("#") + 1));
  for (const key of Object.keys(shape.pipeline?.tasks ?? {})) names.add(key.slice(key.indexOf("#") + 1));
  return names;
}

function scriptTask(project: Project, name: string): Task | undefined {
  const isStage = (stages as readonly string[]).includes(name);
  const command = scriptCommand(project, name);
  if (command === undefined && !isStage) return undefined;
  const { dependsOn, outputs } = defaults[name] ?? { dependsOn: [], outputs: [] };
  return {
    name,
    command,
    cwd: project.dir,
    dependsOn,
    inputs: allFiles,
    outputs: outputs.map((o) => inProject(project.dir, o)),
    env: [],
    passThroughEnv: [],
    isCached: !/^(?:dev|start|serve|watch|preview|deploy|publish|release)\b/.test(name),
    isPersistent: /^(?:dev|start|serve|watch|preview)\b/.test(name),
    isLoose: false,
  };
}

/** `pre` and `post` run around a script, as package managers do. */
export function scriptCommand({ scripts }: Project, name: string): string | undefined {
  const own = scripts[name];
  if (own === undefined) return undefined;
  return [scripts[`pre${name}`], own, scripts[`post${name}`]].filter(Boolean).join(" && ");
}

export function inProject(dir: string, glob: string): string {
  const taken = glob.startsWith("!");
  const bare = (taken ? glob.slice(1) : glob).replace(/^\.\//, "");
  return `${taken ? "!" : ""}${dir ? `${dir}/` : ""}${bare}`;
}
