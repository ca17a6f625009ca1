// What sluice.config.ts writes of a task, over what turbo.json, nx.json or a script say of it; and its matrix, taken apart.
import { posix } from "node:path";
import type { PipelineConfig } from "../../domain/config/pipeline.ts";
import type { Project } from "../graph/manifest.ts";
import { allFiles, type Inputs, inProject, type Task } from "./pipeline.ts";

type Written = PipelineConfig["tasks"][string];
type Named = Readonly<{ name: string; base: Task | undefined }>;

export function withPipeline(pipeline: PipelineConfig, project: Project, { name, base }: Named): readonly Task[] {
  const scope = project.dir === "" ? "//" : project.name;
  const written: Written = { ...pipeline.tasks[name], ...pipeline.tasks[`${scope}#${name}`] };
  if (Object.keys(written).length === 0) return base ? [base] : [];
  if (!base && written.command === undefined) return [];
  const task = merged(project, { name, base }, written);
  const variants = combinations(written.matrix ?? {});
  return variants.map((variant) => (Object.keys(variant).length === 0 ? task : ofVariant(task, variant)));
}

function merged(project: Project, { name, base }: Named, written: Written): Task {
  const { inputs, outputs, services, timeout, retries, memory } = written;
  const place = (globs: readonly string[]) => globs.map((glob) => inProject(project.dir, glob));
  return {
    name,
    command: written.command ?? base?.command,
    cwd: written.command === undefined ? (base?.cwd ?? project.dir) : project.dir,
    dependsOn: written.dependsOn ?? base?.dependsOn ?? [],
    inputs: inputs ? inputsOf(project, inputs) : (base?.inputs ?? allFiles),
    outputs: outputs ? place(outputs) : (base?.outputs ?? []),
    env: [...new Set([...(base?.env ?? []), ...(written.env ?? [])])].sort(),
    passThroughEnv: [...new Set([...(base?.passThroughEnv ?? []), ...(written.passThroughEnv ?? [])])].sort(),
    isCached: written.persistent ? false : (written.cache ?? base?.isCached ?? true),
    isPersistent: written.persistent ?? base?.isPersistent ?? false,
    isLoose: base?.isLoose ?? false,
    more: {
      ...(services ? { services } : {}),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
      ...(retries === undefined ? {} : { retries }),
      ...(memory === undefined ? {} : { memoryMiB: memory }),
    },
  };
}

/** What leads out of the project (`../../tools/x`) is meant from the workspace root. */
function inputsOf({ dir }: Project, globs: readonly string[]): Inputs {
  const leadsOut = (glob: string) => /^!?(?:\.\/)*\.\.\//.test(glob);
  const fromRoot = (glob: string) => `${glob.startsWith("!") ? "!" : ""}${posix.join(dir, glob.replace(/^!/, ""))}`;
  return {
    ...allFiles,
    isAll: false,
    globs: globs.filter((glob) => !leadsOut(glob)).map((glob) => inProject(dir, glob)),
    rootGlobs: globs.filter(leadsOut).map(fromRoot),
  };
}

function ofVariant(task: Task, variant: Readonly<Record<string, string>>): Task {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (all, name: string) => variant[name] ?? all);
  return {
    ...task,
    command: task.command && fill(task.command),
    outputs: task.outputs.map(fill),
    more: { ...task.more, variant },
  };
}

/** `{A: [1, 2], B: [x]}` → `{A: 1, B: x}`, `{A: 2, B: x}`; nothing gives one empty combination. */
function combinations(
  matrix: Readonly<Record<string, readonly string[]>>,
): readonly Readonly<Record<string, string>>[] {
  return Object.entries(matrix).reduce<readonly Readonly<Record<string, string>>[]>(
    (found, [name, values]) => found.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}
