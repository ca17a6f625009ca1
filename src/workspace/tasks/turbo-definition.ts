// What turbo.json says of one task of one project: the root's table, then what the package's own file extends, then that file.
import type { Project } from "../graph/manifest.ts";
import { isObject, type Json, type JsonObject, objectAt, stringsAt } from "../jsonc.ts";

export type Configured = Readonly<{ turbo: JsonObject; projects: readonly Project[] }>;

/** Undefined where nobody defines it, or the package says that it has none (`extends: false` and nothing else). */
export function definitionOf({ turbo, projects }: Configured, project: Project, name: string): JsonObject | undefined {
  const table = isObject(turbo.tasks) ? turbo.tasks : objectAt(turbo, "pipeline");
  const scope = project.dir === "" ? "//" : project.name;
  const common = [project.dir === "" ? undefined : table[name], table[`${scope}#${name}`]].filter(isObject);
  const own = ownLayers(project, name, { projects, seen: [] });
  const layers = own.isAlone ? own.layers : [...common, ...own.layers];
  return layers.length > 0 ? layers.reduce(over) : undefined;
}

type Walk = Readonly<{ projects: readonly Project[]; seen: readonly string[] }>;
type Layers = Readonly<{ layers: readonly JsonObject[]; isAlone: boolean }>;

/** `extends` may name other packages after `//`: their own files come first, each once. */
function ownLayers({ turbo, packageName }: Project, name: string, { projects, seen }: Walk): Layers {
  if (!turbo || seen.includes(packageName)) return { layers: [], isAlone: false };
  const own = objectAt(turbo, "tasks")[name];
  if (isObject(own) && own.extends === false) {
    const { extends: _, ...rest } = own;
    return { layers: Object.keys(rest).length > 0 ? [rest] : [], isAlone: true };
  }
  const below = (stringsAt(turbo, "extends") ?? []).flatMap((other) => {
    const extended = projects.find((p) => p.packageName === other);
    return extended ? [ownLayers(extended, name, { projects, seen: [...seen, packageName] })] : [];
  });
  const layers = [...below.flatMap((b) => b.layers), ...(isObject(own) ? [own] : [])];
  return { layers, isAlone: below.some((b) => b.isAlone) };
}

/** One layer over another; `$TURBO_EXTENDS$` in a list stands for what it covers. */
function over(below: JsonObject, above: JsonObject): JsonObject {
  const merged = Object.entries(above).map(([key, value]) => [key, extended(below[key], value)] as const);
  return { ...below, ...Object.fromEntries(merged) };
}

function extended(below: Json | undefined, value: Json | undefined): Json | undefined {
  if (!Array.isArray(value) || !value.includes("$TURBO_EXTENDS$")) return value;
  return [...(Array.isArray(below) ? below : []), ...value.filter((one: Json) => one !== "$TURBO_EXTENDS$")];
}
