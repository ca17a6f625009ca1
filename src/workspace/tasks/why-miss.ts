// Why a task would run, or did: its key beside that of the newest entry of the same task, part by part.
import type { Entry } from "../cache/entry.ts";
import { readEntry } from "../cache/store.ts";
import { listStore } from "../cache/upkeep.ts";
import type { Key } from "./keys.ts";
import { partNames } from "./parts.ts";

export type Why =
  | Readonly<{ state: "hit"; key: string }>
  | Readonly<{ state: "never"; key: string }>
  | Readonly<{ state: "miss"; key: string; other: string; differences: readonly string[] }>;

export function whyMiss(id: string, key: Key, inputs: readonly string[], cacheFolder: string): Why {
  const entries = [...listStore(cacheFolder)].reverse();
  if (entries.some((e) => e.key === key.key)) return { state: "hit", key: key.key };
  for (const { file } of entries) {
    const entry = readEntry(file);
    if (entry?.task === id)
      return { state: "miss", key: key.key, other: entry.key, differences: compare(key, inputs, entry) };
  }
  return { state: "never", key: key.key };
}

function compare(key: Key, inputs: readonly string[], entry: Entry): readonly string[] {
  const parts = partNames.filter((name) => key.parts[name] !== entry.parts[name]);
  const named = parts.flatMap((name) => {
    if (name === "sources") return lines(inputs, entry.inputs).map((l) => `source ${l}`);
    if (name === "dependencies") return ["registry packages: the lock file resolves its dependencies differently"];
    if (name === "tools") return ["root dependencies: the lock file resolves those of the root differently"];
    if (name === "command") return [`command: ${entry.parts.command} → ${key.parts.command}`];
    const changed = lines(key.parts[name].split("\n"), (entry.parts[name] ?? "").split("\n"));
    return changed.length > 0 ? changed.map((l) => `${name}: ${l}`) : [name];
  });
  const upstream = lines(key.upstream, entry.upstream).map((l) => `waits for ${l}`);
  const all = [...named, ...upstream];
  return all.length > 0 ? all : ["another version of Sluice, or another salt"];
}

/** Lines are `name value`: the names whose values differ, and how. */
function lines(now: readonly string[], before: readonly string[]): string[] {
  const [a, b] = [values(now), values(before)];
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names]
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => `${name} ${!b.has(name) ? "added" : !a.has(name) ? "gone" : "changed"}`);
}

function values(list: readonly string[]): Map<string, string> {
  return new Map(
    list.filter(Boolean).map((line) => {
      const at = line.search(/(?:=| )[^= ]*$/);
      const content = / \d{6} [0-9a-f]+$/.exec(line);
      return content ? [line.slice(0, content.index), content[0]] : [line.slice(0, at < 0 ? undefined : at), line];
    }),
  );
}
