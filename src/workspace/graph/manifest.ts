// A project's own files that shape the graph (package.json, project.json, a package's turbo.json), read into one value.
import { isObject, type Json, type JsonObject, objectAt, parseJsonc, stringAt, stringsAt } from "../jsonc.ts";

export type DependencyKind = "prod" | "dev" | "optional" | "peer";
export type Dependency = Readonly<{ name: string; range: string; kind: DependencyKind }>;

export type Project = Readonly<{
  name: string;
  /** From the workspace root; "" is the root itself. */
  dir: string;
  version: string | undefined;
  scripts: Readonly<Record<string, string>>;
  dependencies: readonly Dependency[];
  tags: readonly string[];
  /** project.json over package.json#nx, as Nx merges them. */
  nx: JsonObject | undefined;
  /** turbo.json of the package itself (`extends: ["//"]`). */
  turbo: JsonObject | undefined;
}>;

export type ProjectFiles = Readonly<{ manifest?: string; nx?: string; turbo?: string }>;

const kinds: readonly (readonly [string, DependencyKind])[] = [
  ["dependencies", "prod"],
  ["devDependencies", "dev"],
  ["optionalDependencies", "optional"],
  ["peerDependencies", "peer"],
];

export function readProject(dir: string, files: ProjectFiles): Project {
  const at = (file: string) => (dir ? `${dir}/${file}` : file);
  const manifest = files.manifest === undefined ? {} : parseJsonc(files.manifest, at("package.json"));
  const own = files.nx === undefined ? {} : parseJsonc(files.nx, at("project.json"));
  const inline = objectAt(manifest, "nx");
  const hasNx = files.nx !== undefined || isObject(manifest.nx);
  const nx = { ...inline, ...own, targets: { ...objectAt(inline, "targets"), ...objectAt(own, "targets") } };
  return {
    name: stringAt(own, "name") ?? stringAt(manifest, "name") ?? (dir.split("/").at(-1) || "root"),
    dir,
    version: stringAt(manifest, "version"),
    scripts: strings(manifest.scripts),
    dependencies: kinds.flatMap(([key, kind]) =>
      Object.entries(strings(manifest[key])).map(([name, range]) => ({ name, range, kind })),
    ),
    tags: [...(stringsAt(own, "tags") ?? []), ...(stringsAt(inline, "tags") ?? []), ...tagsOf(manifest)],
    nx: hasNx ? nx : undefined,
    turbo: files.turbo === undefined ? undefined : parseJsonc(files.turbo, at("turbo.json")),
  };
}

function tagsOf(manifest: JsonObject): readonly string[] {
  return stringsAt(objectAt(manifest, "sluice"), "tags") ?? [];
}

export function strings(value: Json | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  if (isObject(value)) for (const [k, v] of Object.entries(value)) if (typeof v === "string") out[k] = v;
  return out;
}
