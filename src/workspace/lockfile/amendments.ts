// What a repository says about registry packages besides the lock file: overrides, resolutions, patches. Sorted by the
// package that is meant, so that only those feel a change who have that package.
import type { Shape } from "../graph/layout.ts";
import type { Dependency } from "../graph/manifest.ts";
import type { Workspace } from "../graph/workspace.ts";
import { isObject, type Json, type JsonObject, objectAt, stringAt } from "../jsonc.ts";

/** By name; under "" what could be about any package. */
export type Amendments = ReadonlyMap<string, string>;

export function amendmentsOf(workspace: Workspace): Amendments {
  const { root, pnpm } = workspace.shape;
  const own = objectAt(root, "pnpm");
  const found = new Map<string, string[]>();
  const add = (name: string, text: string) => found.set(name, [...(found.get(name) ?? []), text]);
  for (const table of [root.overrides, root.resolutions, own.overrides, pnpm.overrides])
    for (const [keys, value] of Object.entries(isObject(table) ? table : {}))
      for (const name of namesIn(keys, value)) add(name, JSON.stringify([keys, value]));
  for (const table of [own.patchedDependencies, pnpm.patchedDependencies])
    for (const [keys, path] of Object.entries(isObject(table) ? table : {}))
      for (const name of namesIn(keys, path)) add(name, `${path} ${workspace.contentOf(String(path)) ?? ""}`);
  for (const { path, content } of workspace.filesOf("")) {
    const patched = /^(?:patches|\.yarn\/patches)\/(?:.*\/)?(.+)$/.exec(path)?.[1];
    if (patched) for (const name of patchedNames(patched)) add(name, `${path} ${content}`);
  }
  return new Map([...found].map(([name, texts]) => [name, texts.sort().join("\n")]));
}

/** `name`, `name@range`, `parent>name`, `**` + `/name`; npm nests tables: all names on the way count. */
function namesIn(keys: string, value: Json | undefined): readonly string[] {
  const parts = keys.split(">").flatMap((part) => [...part.matchAll(/((?:@[^/@]+\/)?[^/@*]+)(?:@[^/]*)?/g)]);
  const own = parts.map((m) => m[1] ?? "");
  const nested: JsonObject = isObject(value) ? value : {};
  return [...new Set([...own, ...Object.entries(nested).flatMap(([k, v]) => (k === "." ? [] : namesIn(k, v)))])];
}

/** `@scope__name@1.0.0.patch` (pnpm), `@scope+name+1.0.0.patch` (patch-package), `@scope-name-npm-1.0.0-hash.patch` (yarn). */
function patchedNames(file: string): readonly string[] {
  const pnpm = /^((?:@[^@]+?__)?[^@+]+?)(?:@[^@]+)?\.patch$/.exec(file)?.[1];
  const plus = /^((?:@[^+]+\+)?[^+]+)\+[^+]+(?:\+.*)?\.patch$/.exec(file)?.[1];
  const yarn = /^(@?[\w.-]+?)-(?:npm|patch|virtual)-.*\.patch$/.exec(file)?.[1];
  if (plus) return [plus.replace("+", "/")];
  if (yarn) return yarn.startsWith("@") ? splits(yarn) : [yarn];
  return [pnpm ? pnpm.replace("__", "/") : ""];
}

/** Yarn runs scope and name together: each way to part them. */
function splits(slug: string): readonly string[] {
  return [...slug.matchAll(/-/g)].map(({ index }) => `${slug.slice(0, index)}/${slug.slice(index + 1)}`);
}

/** The range that a `catalog:` stands for, of pnpm, yarn or bun; undefined where the dependency is no such. */
export function catalogRange(shape: Shape, { name, range }: Dependency): string | undefined {
  if (!range.startsWith("catalog:")) return undefined;
  const wanted = range.slice("catalog:".length).trim() || "default";
  const found = catalogsOf(shape).flatMap(([from, table]) => (from === wanted ? (stringAt(table, name) ?? []) : []));
  return found[0] ?? "";
}

export function catalogsOf({ root, pnpm, yarn }: Shape): readonly (readonly [name: string, table: JsonObject])[] {
  return [pnpm, yarn, objectAt(root, "workspaces"), root].flatMap((place) => {
    const named = objectAt(place, "catalogs");
    return [
      ["default", objectAt(place, "catalog")] as const,
      ...Object.keys(named).map((name) => [name, objectAt(named, name)] as const),
    ];
  });
}

/** `name@version …`, `/name@version`, `/name/version`: the name. */
export function packageIn(label: string): string {
  return /^\/?((?:@[^/]+\/)?[^/@]+)/.exec(label)?.[1] ?? "";
}
