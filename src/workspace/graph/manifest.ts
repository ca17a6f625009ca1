// A project's own files that shape the graph (package.json, project.json, a package's turbo.json), read into one value.
import { isObject, type Json, type JsonObject, objectAt, parseJsonc, stringAt, stringsAt } from "../jsonc.ts";

type DependencyKind = "prod" | "dev" | "optional" | "peer";
export type Dependency = Readonly<{ name: string; range: string; kind: DependencyKind }>;

export type Project = Readonly<{
  /** As tasks, `dependsOn` and people call it: Nx can give it another name than its manifest has. */
  name: string;
  /** As manifests and imports call it. */
  packageName: string;
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

export type ProjectFiles = Readonly<{ manifest?: string; nx?: string; turbo?: string; isNx?: boolean }>;

const kinds: readonly (readonly [string, DependencyKind])[] = [
  ["dependencies", "prod"],
  ["devDependencies", "dev"],
  ["optionalDependencies", "optional"],
  ["peerDependencies", "peer"],
];

export function readProject(dir: string, files: ProjectFiles): Project {
  const at = (file: string) => (dir ? `${dir}/${file}` : file);
  const manifest = files.manifest === undefined ? {} : parseJsonc(files.manifest, at("package.json"));
  const own = files.nx === undefined ? undefined : parseJsonc(files.nx, at("project.json"));
  const inline = isObject(manifest.nx) ? manifest.nx : undefined;
  const packaged = stringAt(manifest, "name");
  const ofNx = files.isNx ? ((own && stringAt(own, "name")) ?? (inline && stringAt(inline, "name"))) : undefined;
  const name = ofNx ?? packaged ?? (dir.split("/").at(-1) || "root");
  return {
    name,
    packageName: packaged ?? name,
    dir,
    version: stringAt(manifest, "version"),
    scripts: strings(manifest.scripts),
    dependencies: dependenciesOf(manifest),
    tags: [own, inline, objectAt(manifest, "sluice")].flatMap((source) => (source && stringsAt(source, "tags")) ?? []),
    nx: own ? merged(inline ?? {}, own) : inline,
    turbo: files.turbo === undefined ? undefined : parseJsonc(files.turbo, at("turbo.json")),
  };
}

function merged(inline: JsonObject, own: JsonObject): JsonObject {
  return { ...inline, ...own, targets: { ...objectAt(inline, "targets"), ...objectAt(own, "targets") } };
}

// Thousands of manifests are read when nothing is remembered: no list is made that is not kept.
function dependenciesOf(manifest: JsonObject): readonly Dependency[] {
  const found: Dependency[] = [];
  for (const [key, kind] of kinds) {
    const table = objectAt(manifest, key);
    for (const name in table) {
      const range = table[name];
      if (typeof range === "string") found.push({ name, range, kind });
    }
  }
  return found;
}

export function strings(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  if (isStrings(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (typeof v === "string" ? [[k, v]] : [])));
}

function isStrings(value: JsonObject): value is Readonly<Record<string, string>> {
  for (const key in value) if (typeof value[key] !== "string") return false;
  return true;
}
