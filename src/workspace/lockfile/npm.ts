// package-lock.json, versions 2 and 3 (`packages`, resolved as Node does: outwards through node_modules) and 1 (nested).

import { strings } from "../graph/manifest.ts";
import { isObject, type JsonObject, objectAt, parseJsonc, stringAt } from "../jsonc.ts";
import type { LockGraph, LockNode } from "./lockfile.ts";

export function parseNpmLock(text: string, file: string): LockGraph {
  const lock = parseJsonc(text, file);
  const packages = isObject(lock.packages) ? lock.packages : flattened(lock);
  const nodes = new Map<string, LockNode>();
  const find = (from: string, name: string): string | undefined => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      const id = at ? `${at}/node_modules/${name}` : `node_modules/${name}`;
      if (!at.endsWith("node_modules") && isObject(packages[id])) return id;
      if (at === "") return undefined;
    }
  };
  for (const [id, entry] of Object.entries(packages)) {
    if (!isObject(entry) || !id.includes("node_modules/") || entry.link === true) continue;
    const named = ["dependencies", "optionalDependencies", "peerDependencies"].flatMap((k) =>
      Object.keys(strings(entry[k])),
    );
    const dependencies = named.flatMap((name) => find(id, name) ?? []);
    nodes.set(id, { label: label(id, entry), dependencies });
  }
  return {
    nodes,
    settings: "",
    resolve: (project, { name }) => {
      const id = find(project.dir, name);
      if (id === undefined) return undefined;
      const entry = packages[id];
      return isObject(entry) && entry.link === true ? "linked" : id;
    },
  };
}

function label(id: string, entry: JsonObject): string {
  const name = stringAt(entry, "name") ?? id.slice(id.lastIndexOf("node_modules/") + "node_modules/".length);
  const what = stringAt(entry, "integrity") ?? stringAt(entry, "resolved") ?? "";
  return `${name}@${stringAt(entry, "version") ?? ""} ${what}`;
}

/** Version 1 nests `dependencies` and names what a package needs in `requires`. */
function flattened(lock: JsonObject): Record<string, JsonObject> {
  const out: Record<string, JsonObject> = {};
  const visit = (at: string, tree: JsonObject) => {
    for (const [name, entry] of Object.entries(tree)) {
      if (!isObject(entry)) continue;
      const id = `${at}node_modules/${name}`;
      out[id] = { ...entry, dependencies: objectAt(entry, "requires") };
      visit(`${id}/`, objectAt(entry, "dependencies"));
    }
  };
  visit("", objectAt(lock, "dependencies"));
  return out;
}
