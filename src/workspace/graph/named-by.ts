// What one file names: a source its imports, a tool's configuration also what it extends and the paths in it.
import { hasImports, importsOf } from "./imports.ts";
import type { Workspace } from "./workspace.ts";

const tsconfig = /^[tj]sconfig.*\.jsonc?$/;
const scripted = /(?:^|[.-])(?:config|preset|setup|workspace)\.[cm]?[jt]s$|^\.[\w-]+rc\.[cm]?[jt]s$/;
const written =
  /^(?:project|turbo|biome|api-extractor.*|typedoc|nest-cli|ng-package|components)\.jsonc?$|^\..*rc(?:\.jsonc?|\.ya?ml)?$/;
const comments = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const strings = /["']([^"'\n]+)["']/g;

const valueAfter = (names: string) =>
  new RegExp(`(?:^|[\\s{,"'])(?:${names})["']?\\s*:\\s*("[^"\\n]*"|'[^'\\n]*'|\\[[^\\]{}]*\\])`, "g");
const keys = {
  tsconfig: valueAfter("extends|types"),
  manifest: valueAfter("extends|presets?|prettier"),
  other: valueAfter("extends|presets?|plugins"),
};

/** Specifiers and paths. `isReached`: another file named this one, so any JSON may be configuration. */
export function namedBy(workspace: Workspace, path: string, isReached = false): readonly string[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const text = () => workspace.read(path) ?? "";
  if (hasImports(path))
    return scripted.test(name) ? [...importsOf(text(), path), ...inConfig(text(), name)] : importsOf(text(), path);
  if (name === "package.json") return extendedIn(text(), name);
  const isConfig = tsconfig.test(name) || written.test(name);
  return isConfig || (isReached && /\.(?:jsonc?|ya?ml)$/.test(name)) ? inConfig(text(), name) : [];
}

/** Only what becomes a part of the file: who reads it reads that. The other paths in it say where something lies. */
export function basesOf(workspace: Workspace, path: string): readonly string[] {
  const text = workspace.read(path) ?? "";
  const extended = extendedIn(text, path.slice(path.lastIndexOf("/") + 1));
  return hasImports(path) ? [...importsOf(text, path), ...extended] : extended;
}

/** Every quoted path that leads upwards or is written from here, and what is extended. */
function inConfig(text: string, name: string): readonly string[] {
  const bare = withoutComments(text);
  const paths = [...bare.matchAll(/["'](?:<rootDir>\/)?(\.\.?\/[^"'\n]*|\.\.)["']/g)].map((m) =>
    (m[1] ?? "").replace(/\/?[*{[$(].*$/, ""),
  );
  return [...new Set([...paths, ...extendedIn(text, name)])];
}

/** `extends`, `presets`, `plugins`; in a tsconfig also `types`; in a manifest also prettier's; the whole of a `.prettierrc`. */
function extendedIn(text: string, name: string): readonly string[] {
  if (!/extends|preset|plugins|types|prettier/.test(text + name)) return [];
  const key = tsconfig.test(name) ? keys.tsconfig : name === "package.json" ? keys.manifest : keys.other;
  const values = [...withoutComments(text).matchAll(key)].flatMap((m) =>
    [...(m[1] ?? "").matchAll(strings)].map((s) => s[1] ?? ""),
  );
  const whole = /^\s*["']([^"'\n]+)["']\s*$/.exec(text)?.[1];
  const unquoted = /rc$|\.ya?ml$/.test(name)
    ? [...text.matchAll(/^\s*(?:extends:|-)\s*(\.{1,2}\/[^\s'"#]+)/gm)].map((m) => m[1] ?? "")
    : [];
  return [...values, ...unquoted, ...(whole && name.endsWith("rc") ? [whole] : [])].filter(
    (s) => !/^(?:\/\/|plugin:|<)/.test(s),
  );
}

function withoutComments(text: string): string {
  return text.includes("/") ? text.replace(comments, (_, string?: string) => string ?? "") : text;
}
