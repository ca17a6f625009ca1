// Affected projects or tasks, each with the way from the change to it.
import { type AffectedTask, affectedProjects, isLocal } from "../../workspace/affected-projects.ts";
import { type Compared, compareWithBase, defaultBase, type NoBase } from "../../workspace/git/compare.ts";
import { findRoot } from "../../workspace/graph/layout.ts";
import { readShort } from "../../workspace/graph/short.ts";
import type { AffectedOptions } from "../verbs/affected.ts";
import { say } from "./say.ts";

export async function printAffected(from: string, options: AffectedOptions): Promise<void> {
  const root = findRoot(from);
  const base = options.base ?? (await defaultBase(root, process.env));
  const answer = await answered(root, base, options);
  say(options.json ? json(answer, base, options) : text(answer, options));
}

async function answered(root: string, base: string, { head = "HEAD", task = [] }: AffectedOptions) {
  const comparing = head === "HEAD" ? compareWithBase(root, base) : undefined;
  const known = comparing && task.length === 0 ? await knownAlready(root, comparing) : undefined;
  if (known) return known;
  const { ask, atHead } = await import("./ask-affected.ts");
  if (comparing) return await ask(root, { base, tasks: task, comparing });
  return await atHead(root, head, (at) => ask(at, { base, tasks: task }));
}

/** Where the graph of exactly this tree is kept, and no change goes beyond its project, that is all there is to read. */
async function knownAlready(root: string, comparing: Promise<Compared | NoBase>) {
  comparing.catch(() => {}); // reported where it is awaited
  const kept = readShort(root);
  const found = await comparing;
  if (!kept || "noBase" in found || !kept.isOf(found)) return undefined;
  return isLocal(kept.graph, found.changes) ? affectedProjects(kept.graph, found.changes) : undefined;
}

function json(found: readonly AffectedTask[], base: string, { head, task }: AffectedOptions): string {
  const names = new Map<string, AffectedTask>();
  for (const one of found) if (!names.has(one.project)) names.set(one.project, one);
  const projects = [...names.values()].map(({ project, dir, because }) => ({ name: project, dir, because }));
  const tasks = task ? { tasks: found.map(({ id, because }) => ({ id, because })) } : {};
  return `${JSON.stringify({ base, head: head ?? "HEAD", projects, ...tasks })}\n`;
}

function text(found: readonly AffectedTask[], { explain, task }: AffectedOptions): string {
  return found
    .map((one) => `${task ? one.id : one.project}${explain ? `\n  ${one.because.join("\n  → ")}\n` : ""}\n`)
    .join("");
}
