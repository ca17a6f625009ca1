// The project graph in its shortest form, kept for one exact state of the tree (git's index and what differs from it): while
// that stands, who is affected by a change is known without opening the workspace.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import type { Look } from "../git/worktree.ts";
import { type Graph, reachable } from "./graph.ts";
import type { Project } from "./manifest.ts";

export type ShortGraph = Readonly<{
  /** In order of directory; the root is the first. */
  names: readonly string[];
  dirs: readonly string[];
  /** For each project, those that depend on it. */
  dependents: readonly (readonly number[])[];
  /** What the root depends on or its files name, near and far: their changes may concern everyone. */
  shared: readonly number[];
  /** The root itself counts as a project. */
  isRootAsked: boolean;
}>;

const form = "short 2";
type Kept = Readonly<{ state: string; graph: ShortGraph }>;

export function shortGraph(projects: readonly Project[], graph: Graph, isRootAsked: boolean): ShortGraph {
  const dependents: number[][] = projects.map(() => []);
  graph.out.forEach((edges, from) => {
    for (const { to } of edges) if (to !== 0) dependents[to]?.push(from);
  });
  return {
    names: projects.map((p) => p.name),
    dirs: projects.map((p) => p.dir),
    dependents,
    shared: sharedIn(graph),
    isRootAsked,
  };
}

export function sharedIn(graph: Graph): readonly number[] {
  return reachable(graph, [0]).slice(1);
}

export type KeptGraph = Readonly<{ graph: ShortGraph; isOf: (look: Look) => boolean }>;

export function readShort(root: string): KeptGraph | undefined {
  const kept = readSealedJson<Kept>(fileOf(root), form);
  if (!kept) return undefined;
  return { graph: kept.graph, isOf: (look) => look.stamp !== undefined && stateOf(look) === kept.state };
}

export function writeShort(root: string, graph: ShortGraph, look: Look): void {
  if (look.stamp === undefined || readShort(root)?.isOf(look)) return;
  const kept: Kept = { state: stateOf(look), graph };
  writeSealed(fileOf(root), form, JSON.stringify(kept));
}

function stateOf({ stamp, dirty }: Look): string {
  const hash = createHash("sha1").update(`${stamp}\n`);
  for (const path of [...dirty.keys()].sort()) hash.update(`${path}\0${dirty.get(path) ?? ""}\0`);
  return hash.digest("hex");
}

function fileOf(root: string): string {
  return join(stateFolder(root), "graph", "short");
}
