// The parts of a tsconfig that name projects: `compilerOptions.paths`.
import { posix } from "node:path";
import { type JsonObject, objectAt, parseJsonc, stringAt, stringsAt } from "../jsonc.ts";
import type { Workspace } from "./workspace.ts";

/** Gives the path that an alias such as `@app/*` stands for, from the workspace root. */
export type Aliases = (specifier: string) => string | undefined;

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
  const rules = paths.filter((p) => /(?:^|\/)tsconfig[^/]*\.json$/.test(p)).flatMap((file) => rulesOf(workspace, file));
  if (rules.length === 0) return () => undefined;
  return (specifier) => {
    for (const { prefix, suffix, to } of rules) {
      if (suffix === undefined ? specifier !== prefix : !specifier.startsWith(prefix) || !specifier.endsWith(suffix))
        continue;
      const middle = suffix === undefined ? "" : specifier.slice(prefix.length, specifier.length - suffix.length);
      return posix.normalize(to.replace("*", middle));
    }
    return undefined;
  };
}

/** A broken one (a fixture, a template) has no aliases: the tool that reads it will say so. */
function parsed(text: string, file: string): JsonObject {
  try {
    return parseJsonc(text, file);
  } catch {
    return {};
  }
}

function rulesOf(workspace: Workspace, file: string) {
  const text = workspace.read(file) ?? "{}";
  if (!text.includes('"paths"')) return [];
  const options = objectAt(parsed(text, file), "compilerOptions");
  const base = posix.join(posix.dirname(file), stringAt(options, "baseUrl") ?? ".");
  const paths = objectAt(options, "paths");
  return Object.keys(paths)
    .filter((alias) => alias !== "*")
    .flatMap((alias) => {
      const to = stringsAt(paths, alias)?.[0];
      const [prefix = "", suffix] = alias.split("*");
      return to === undefined ? [] : [{ prefix, suffix, to: posix.normalize(posix.join(base, to)) }];
    });
}
