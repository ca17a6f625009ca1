// turbo.json as Turborepo reads it: `tasks` (or `pipeline` of version 1), `pkg#task`, `//#task`, a package's own file over it.
import { posix } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { Project } from "../graph/manifest.ts";
import { type JsonObject, stringsAt } from "../jsonc.ts";
import { allFiles, type Inputs, inProject, type Of, scriptCommand, type Task } from "./pipeline.ts";
import { definitionOf } from "./turbo-definition.ts";

export function turboTask({ shape, projects }: Of, project: Project, name: string): Task | undefined {
  const turbo = shape.turbo ?? {};
  const definition = definitionOf({ turbo, projects }, project, name);
  if (!definition) return undefined;
  const dependsOn = stringsAt(definition, "dependsOn") ?? [];
  const legacy = dependsOn.filter((d) => d.startsWith("$")).map((d) => d.slice(1));
  const env = [...(stringsAt(turbo, "globalEnv") ?? []), ...(stringsAt(definition, "env") ?? []), ...legacy];
  const pass = [
    ...(stringsAt(turbo, "globalPassThroughEnv") ?? []),
    ...(stringsAt(definition, "passThroughEnv") ?? []),
  ];
  return {
    name,
    command: scriptCommand(project, name),
    cwd: project.dir,
    dependsOn: dependsOn.filter((d) => !d.startsWith("$")),
    inputs: inputsOf(turbo, project, definition),
    outputs: takenLast(stringsAt(definition, "outputs") ?? []).map((o) => output(project, name, o)),
    env: [...new Set(env)].sort(),
    passThroughEnv: [...new Set(pass)].sort(),
    isCached: definition.cache !== false && definition.persistent !== true,
    isPersistent: definition.persistent === true,
    isLoose: turbo.envMode === "loose",
  };
}

function inputsOf(turbo: JsonObject, project: Project, definition: JsonObject): Inputs {
  const listed = stringsAt(definition, "inputs");
  const globs = takenLast(listed ?? []).filter((i) => !/^!?\$TURBO_(?:DEFAULT|ROOT)\$/.test(i));
  const rooted = takenLast(listed ?? [])
    .filter((i) => /^!?\$TURBO_ROOT\$\//.test(i))
    .map((i) => i.replace("$TURBO_ROOT$/", ""));
  const upwards = globs.filter((g) => /^!?\.\.\//.test(g));
  const isAll = listed === undefined || listed.length === 0 || listed.includes("$TURBO_DEFAULT$");
  return {
    ...allFiles,
    isAll,
    globs: globs.filter((g) => !upwards.includes(g)).map((g) => inProject(project.dir, g)),
    rootGlobs: [
      ...(stringsAt(turbo, "globalDependencies") ?? []).map((g) => g.replace("$TURBO_ROOT$/", "")),
      ...rooted,
      ...upwards.map((g) =>
        g.startsWith("!") ? `!${posix.join(project.dir, g.slice(1))}` : posix.join(project.dir, g),
      ),
    ],
  };
}

/** What `!` takes away stays away, wherever it stands in turbo.json. */
function takenLast(globs: readonly string[]): readonly string[] {
  const isTaken = (glob: string) => glob.startsWith("!");
  return [...globs.filter((glob) => !isTaken(glob)), ...globs.filter(isTaken)];
}

function output(project: Project, task: string, glob: string): string {
  const rooted = glob.replace(/^(!?)\$TURBO_ROOT\$\//, "$1");
  if (rooted !== glob) return rooted;
  const path = posix.normalize(glob.replace(/^!/, ""));
  if (path.startsWith("../") || path.startsWith("/"))
    throw new Problem(
      `${project.name}#${task} declares an output outside its project: ${glob}`,
      "Write outputs inside the project, or $TURBO_ROOT$/… where it must be elsewhere in the workspace",
    );
  return inProject(project.dir, glob);
}
