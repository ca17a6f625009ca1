// nx.json, project.json and package.json#nx as Nx reads them: targetDefaults under targets, named inputs, tokens in paths.
import { posix } from "node:path";
import type { Shape } from "../graph/layout.ts";
import type { Project } from "../graph/manifest.ts";
import { isObject, type Json, type JsonObject, objectAt, stringAt, stringsAt } from "../jsonc.ts";
import { type Inputs, inProject, scriptCommand, type Task } from "./pipeline.ts";

export function nxTask(shape: Shape, project: Project, name: string): Task | undefined {
  const nx = shape.nx ?? {};
  const own = objectAt(project.nx ?? {}, "targets")[name];
  const script = includesScript(project, name) ? scriptCommand(project, name) : undefined;
  const defaults = objectAt(nx, "targetDefaults");
  if (!isObject(own) && script === undefined && !isObject(defaults[name])) return undefined;
  const target = isObject(own) ? own : {};
  const executor = stringAt(target, "executor");
  const base =
    (executor && isObject(defaults[executor]) ? objectAt(defaults, executor) : undefined) ?? objectAt(defaults, name);
  const merged: JsonObject = {
    ...base,
    ...target,
    options: { ...objectAt(base, "options"), ...objectAt(target, "options") },
  };
  const { command, cwd } = commandOf(merged, project, { name, script });
  const inputs = inputsOf(nx, project, merged.inputs ?? ["default", "^default"]);
  const cacheable = stringsAt(
    objectAt(objectAt(objectAt(nx, "tasksRunnerOptions"), "default"), "options"),
    "cacheableOperations",
  );
  return {
    name,
    command,
    cwd,
    dependsOn: dependsOf(merged.dependsOn),
    inputs: inputs.inputs,
    outputs: (stringsAt(merged, "outputs") ?? defaultOutputs).flatMap((o) => output(o, project, merged)),
    env: [...new Set(inputs.env)].sort(),
    passThroughEnv: [],
    isCached: merged.cache === true || (cacheable?.includes(name) ?? false),
    isPersistent: merged.continuous === true,
    isLoose: false,
  };
}

const defaultOutputs = [
  "{workspaceRoot}/dist/{projectRoot}",
  "{projectRoot}/build",
  "{projectRoot}/dist",
  "{projectRoot}/public",
];

function includesScript(project: Project, name: string): boolean {
  const included = project.nx ? stringsAt(project.nx, "includedScripts") : undefined;
  return included === undefined || included.includes(name);
}

function commandOf(target: JsonObject, project: Project, own: { name: string; script: string | undefined }) {
  const options = objectAt(target, "options");
  const executor = stringAt(target, "executor");
  const command = stringAt(target, "command") ?? stringAt(options, "command") ?? listed(options.commands);
  const cwd = stringAt(options, "cwd");
  if (command !== undefined && (!executor || executor === "nx:run-commands"))
    return { command: tokens(command, project), cwd: cwd === undefined ? "" : posix.normalize(tokens(cwd, project)) };
  if (executor && executor !== "nx:run-script" && executor !== "nx:noop")
    return { command: `nx run ${project.name}:${own.name} --skip-nx-cache --exclude-task-dependencies`, cwd: "" };
  const script = stringAt(options, "script");
  return { command: script ? scriptCommand(project, script) : own.script, cwd: project.dir };
}

function listed(commands: Json | undefined): string | undefined {
  if (!Array.isArray(commands)) return undefined;
  const texts = commands.map((c) => (typeof c === "string" ? c : isObject(c) ? stringAt(c, "command") : undefined));
  return texts.filter((c) => c !== undefined).join(" && ") || undefined;
}

function dependsOf(value: Json | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: Json) => {
    if (typeof entry === "string")
      return entry.includes(":") && !entry.startsWith("^") ? entry.replace(":", "#") : entry;
    if (!isObject(entry)) return [];
    const target = stringAt(entry, "target") ?? "";
    const projects = entry.projects;
    if (entry.dependencies === true || projects === "dependencies") return `^${target}`;
    if (projects === undefined || projects === "self" || projects === "{self}") return target;
    return (Array.isArray(projects) ? projects : [projects]).map((p) => `${String(p)}#${target}`);
  });
}

type Gathered = { inputs: Inputs; env: readonly string[] };

function inputsOf(nx: JsonObject, project: Project, listed: Json): Gathered {
  const named = {
    default: ["{projectRoot}/**/*"],
    ...objectAt(nx, "namedInputs"),
    ...objectAt(project.nx ?? {}, "namedInputs"),
  };
  const globs: string[] = [];
  const rootGlobs: string[] = [];
  const env: string[] = [];
  const runtime: string[] = [];
  let dependencySources = false;
  const take = (entry: Json, seen: readonly string[]): void => {
    if (isObject(entry)) {
      const { fileset, input } = { fileset: stringAt(entry, "fileset"), input: stringAt(entry, "input") };
      if (typeof entry.env === "string") env.push(entry.env);
      if (typeof entry.runtime === "string") runtime.push(entry.runtime);
      if (fileset) take(fileset, seen);
      if (input && entry.dependencies === true) dependencySources = true;
      else if (input) take(input, seen);
      return;
    }
    if (typeof entry !== "string") return;
    if (entry.startsWith("^")) dependencySources = true;
    else if (/^!?\{(projectRoot|workspaceRoot)\}/.test(entry)) {
      const path = tokens(entry, project).replace(/^(!?)\.?\//, "$1");
      (entry.includes("{projectRoot}") ? globs : rootGlobs).push(path);
    } else if (!seen.includes(entry)) {
      const inner = named[entry as keyof typeof named];
      if (Array.isArray(inner)) for (const one of inner) take(one, [...seen, entry]);
      else globs.push(inProject(project.dir, entry));
    }
  };
  if (Array.isArray(listed)) for (const entry of listed) take(entry, []);
  return { inputs: { isAll: false, globs, rootGlobs, dependencySources, runtime }, env };
}

function tokens(text: string, project: Project): string {
  return text
    .replaceAll("{projectRoot}", project.dir || ".")
    .replaceAll("{projectName}", project.name)
    .replaceAll("{workspaceRoot}/", "")
    .replaceAll("{workspaceRoot}", ".");
}

/** An option that is not set makes no output, as in Nx. */
function output(glob: string, project: Project, target: JsonObject): readonly string[] {
  const options = objectAt(target, "options");
  const filled = glob.replace(/\{options\.([^}]+)\}/g, (all, key: string) => stringAt(options, key) ?? all);
  return filled.includes("{options.") ? [] : [posix.normalize(tokens(filled, project)).replace(/^\.\//, "")];
}
