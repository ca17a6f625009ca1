// The parts of a tsconfig that name projects: `compilerOptions.paths`.
import { posix } from "node:path";
import { type JsonObject, objectAt, parseJsonc, stringAt, stringsAt } from "../jsonc.ts";
import type { Workspace } from "./workspace.ts";

export type Aliases = Readonly<{
  /** The paths that an alias such as `@app/*` stands for, from the workspace root: TypeScript takes the first that is there. */
  of: (specifier: string) => readonly string[];
  /** Directories that plain names are looked for in (`baseUrl`). */
  bases: readonly string[];
}>;

/** The aliases of the root's own tsconfigs, those at its top first. */
export function pathAliases(workspace: Workspace): Aliases {
  const paths = workspace.filesOf("").map((f) => f.path);
  return aliasesIn(
    workspace,
    paths.toSorted((a, b) => a.split("/").length - b.split("/").length),
  );
}

/** The aliases of those of the files that are tsconfigs. */
export function aliasesIn(workspace: Workspace, paths: readonly string[]): Aliases {
  const read = paths.filter((p) => /(?:^|\/)tsconfig[^/]*\.json$/.test(p)).map((file) => rulesOf(workspace, file));
  const bases = [...new Set(read.flatMap((r) => r.bases))];
  // As TypeScript: the exact name first, then the longest beginning.
  const rules = read.flatMap((r) => r.rules).toSorted((a, b) => weight(b) - weight(a));
  if (rules.length === 0) return { of: () => [], bases };
  const of = (specifier: string) => {
    const { prefix, suffix, to } = rules.find((rule) => isMeant(rule, specifier)) ?? { prefix: "", suffix: "", to: [] };
    const middle = suffix === undefined ? "" : specifier.slice(prefix.length, specifier.length - suffix.length);
    return to.map((path) => posix.normalize(path.replace("*", middle)));
  };
  return { of, bases };
}

type Rule = Readonly<{ prefix: string; suffix: string | undefined; to: readonly string[] }>;

function weight({ prefix, suffix }: Rule): number {
  return suffix === undefined ? Number.POSITIVE_INFINITY : prefix.length;
}

function isMeant({ prefix, suffix }: Rule, specifier: string): boolean {
  if (suffix === undefined) return specifier === prefix;
  return (
    specifier.length >= prefix.length + suffix.length && specifier.startsWith(prefix) && specifier.endsWith(suffix)
  );
}

/** A broken one (a fixture, a template) has no aliases: the tool that reads it will say so. */
function parsed(text: string, file: string): JsonObject {
  try {
    return parseJsonc(text, file);
  } catch {
    return {};
  }
}

function rulesOf(workspace: Workspace, file: string): Readonly<{ rules: readonly Rule[]; bases: readonly string[] }> {
  const text = workspace.read(file) ?? "{}";
  if (!/"(?:paths|baseUrl)"/.test(text)) return { rules: [], bases: [] };
  const options = objectAt(parsed(text, file), "compilerOptions");
  const baseUrl = stringAt(options, "baseUrl");
  const base = posix.join(posix.dirname(file), baseUrl ?? ".");
  const paths = objectAt(options, "paths");
  const rules = Object.keys(paths)
    .filter((alias) => alias !== "*")
    .map((alias): Rule => {
      const [prefix = "", suffix] = alias.split("*");
      return { prefix, suffix, to: (stringsAt(paths, alias) ?? []).map((to) => posix.normalize(posix.join(base, to))) };
    });
  return { rules, bases: baseUrl === undefined ? [] : [base] };
}
