// The parts of a root tsconfig that name projects: `compilerOptions.paths`.
import { posix } from "node:path";
import { objectAt, parseJsonc, stringAt, stringsAt } from "../jsonc.ts";
import type { Workspace } from "./workspace.ts";

/** Gives the path that an alias such as `@app/*` stands for, from the workspace root. */
export function pathAliases(workspace: Workspace): (specifier: string) => string | undefined {
  const rules = ["tsconfig.base.json", "tsconfig.json"].flatMap((file) => rulesOf(workspace, file));
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

function rulesOf(workspace: Workspace, file: string) {
  if (workspace.contentOf(file) === undefined) return [];
  const options = objectAt(parseJsonc(workspace.read(file) ?? "{}", file), "compilerOptions");
  const base = stringAt(options, "baseUrl") ?? ".";
  const paths = objectAt(options, "paths");
  return Object.keys(paths)
    .filter((alias) => alias !== "*")
    .flatMap((alias) => {
      const to = stringsAt(paths, alias)?.[0];
      const [prefix = "", suffix] = alias.split("*");
      return to === undefined ? [] : [{ prefix, suffix, to: posix.normalize(posix.join(base, to)) }];
    });
}
