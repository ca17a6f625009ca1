// pnpm-lock.yaml, versions 5 to 9: `importers` say what each project resolves to, `snapshots` (or `packages`) the rest.

import { strings } from "../graph/manifest.ts";
import { isObject, type JsonObject, objectAt, stringAt } from "../jsonc.ts";
import { parseLockYaml } from "../yaml.ts";
import type { LockGraph, LockNode } from "./lockfile.ts";

const kinds = ["dependencies", "devDependencies", "optionalDependencies"];

export async function parsePnpmLock(text: string, file: string): Promise<LockGraph> {
  const lock = await parseLockYaml(text, file);
  const packages = objectAt(lock, "packages");
  const snapshots = isObject(lock.snapshots) ? lock.snapshots : packages;
  const importers = isObject(lock.importers) ? lock.importers : { ".": lock };
  const idOf = (name: string, version: string): string | undefined =>
    [`${name}@${version}`, `/${name}@${version}`, `/${name}/${version}`, version, `/${version}`].find(
      (id) => id in snapshots,
    );
  const nodes = new Map<string, LockNode>();
  for (const [id, entry] of Object.entries(snapshots)) {
    if (!isObject(entry)) continue;
    const needs = { ...strings(entry.dependencies), ...strings(entry.optionalDependencies) };
    const dependencies = Object.entries(needs).flatMap(([name, version]) => idOf(name, version) ?? []);
    nodes.set(id, { label: `${id} ${resolution(packages, id)}`, dependencies });
  }
  return {
    nodes,
    settings: JSON.stringify(lock.pnpmfileChecksum ?? null),
    resolve: (project, { name }) => {
      const importer = importers[project.dir || "."];
      const version = isObject(importer) ? versionOf(importer, name) : undefined;
      if (version === undefined) return undefined;
      return /^(?:link|file|workspace):/.test(version) && idOf(name, version) === undefined
        ? "linked"
        : idOf(name, version);
    },
  };
}

function versionOf(importer: JsonObject, name: string): string | undefined {
  for (const kind of kinds) {
    const found = objectAt(importer, kind)[name];
    if (typeof found === "string") return found;
    if (isObject(found)) return stringAt(found, "version");
  }
  return undefined;
}

/** Peers stand in brackets after the version in a snapshot's id, not in that of its package. */
function resolution(packages: JsonObject, id: string): string {
  const entry = packages[id] ?? packages[id.replace(/\(.*$/, "")];
  return isObject(entry) ? JSON.stringify(entry.resolution ?? null) : "";
}
