// The key of every task: its own parts and the keys of what it waits for. Computed before anything runs.
import { createHash } from "node:crypto";
import type { TaskGraph } from "./graph.ts";
import type { Parts, PartsOf } from "./parts.ts";
import { partNames } from "./parts.ts";

/** Raised when the meaning of a part changes: old entries are then never met. */
const schema = "sluice key 3";

export type Key = Readonly<{ key: string; parts: Parts; upstream: readonly string[] }>;

export function keysOf(tasks: TaskGraph, of: PartsOf): ReadonlyMap<string, Key> {
  const keys = new Map<string, Key>();
  for (const node of tasks.values()) {
    const parts = of.parts(node);
    const upstream = node.dependencies.map((id) => `${id} ${keys.get(id)?.key ?? ""}`);
    const text = [schema, node.id, ...partNames.map((name) => parts[name]), ...upstream].join("\0");
    keys.set(node.id, { key: createHash("sha256").update(text).digest("hex"), parts, upstream });
  }
  return keys;
}
