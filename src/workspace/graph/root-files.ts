// Files that belong to no project but are read by some: a base tsconfig, a shared config, a script. Resolved from what
// projects name, with all that those files name in turn.
import { posix } from "node:path";
import { once } from "../once.ts";
import { packageOf } from "./imports.ts";
import { basesOf, namedBy } from "./named-by.ts";
import { alwaysRead, familyOf, type ToolFamily } from "./tool-config.ts";
import type { Workspace } from "./workspace.ts";

const endings = [
  "",
  ".json",
  ".ts",
  ".tsx",
  ".mts",
  ".cts",
  ".js",
  ".mjs",
  ".cjs",
  ".jsx",
  "/index.ts",
  "/index.js",
  "/tsconfig.json",
];

export class RootFiles {
  readonly #workspace: Workspace;
  readonly #contents: ReadonlyMap<string, string>;
  readonly #resolved = new Map<string, readonly string[]>();
  readonly #projects = new Map<string, readonly number[]>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#contents = new Map(workspace.filesOf("").map((f) => [f.path, f.content]));
  }

  get paths(): Iterable<string> {
    return this.#contents.keys();
  }

  contentOf(path: string): string {
    return this.#contents.get(path) ?? "";
  }

  /** The files that a path means, and what they name: with or without its extension, or all of a directory. */
  reachedFrom(path: string): readonly string[] {
    const known = this.#resolved.get(path);
    if (known) return known;
    const reached = new Set(this.#meant(path));
    for (const file of reached)
      for (const next of this.#namedBy(file)) for (const f of this.#meant(next)) reached.add(f);
    const list = [...reached].sort();
    this.#resolved.set(path, list);
    return list;
  }

  #meant(path: string): readonly string[] {
    const bare = path.replace(/\.(?:[cm]?js|jsx)$/, "");
    const exact = [...endings.map((e) => path + e), ...endings.slice(2, 6).map((e) => bare + e)].find((p) =>
      this.#contents.has(p),
    );
    if (exact) return [exact];
    const inside = `${path}/`;
    return path === "." || path === "" ? [] : [...this.#contents.keys()].filter((p) => p.startsWith(inside));
  }

  #namedBy(file: string): readonly string[] {
    const named = namedBy(this.#workspace, file, true).filter((n) => /^\.\.?(\/|$)/.test(n) || !packageOf(n));
    return named.map((n) => posix.normalize(posix.join(posix.dirname(file), n))).filter((p) => !p.startsWith(".."));
  }

  /** The projects that become part of such a file: a base configuration in a package, a plugin. */
  projectsNamedBy(file: string): readonly number[] {
    const known = this.#projects.get(file);
    if (known) return known;
    const { projects, ownerOf } = this.#workspace;
    const found = basesOf(this.#workspace, file).map((name) => {
      const path = /^\.\.?(\/|$)/.test(name) ? posix.join(posix.dirname(file), name) : undefined;
      const [dir, packaged] = [path === undefined ? "" : ownerOf(`${path}/x`), path ?? packageOf(name)];
      return projects.findIndex((p) => (dir ? p.dir === dir : p.packageName === packaged));
    });
    const list = [...new Set(found)].filter((i) => i > 0);
    this.#projects.set(file, list);
    return list;
  }

  /** Configuration at the top that tools find by looking upwards, and what it names. */
  readonly families: () => ReadonlyMap<ToolFamily, readonly string[]> = once(() => {
    const found = new Map<ToolFamily, readonly string[]>();
    for (const path of this.#contents.keys()) {
      const family = path.includes("/") ? undefined : familyOf(path);
      if (family) found.set(family, [...(found.get(family) ?? []), ...this.reachedFrom(path)]);
    }
    return found;
  });

  /** Read whatever the task. */
  readonly always: () => readonly string[] = once(() => [...this.#contents.keys()].filter((p) => alwaysRead.test(p)));
}
