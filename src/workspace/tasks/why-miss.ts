// Why a task would run, or did: its key beside that of the newest entry of the same task, part by part.
import type { Entry } from "../cache/entry.ts";
import type { Scope } from "../cache/scope.ts";
import { readEntry } from "../cache/store.ts";
import { listStore } from "../cache/upkeep.ts";
import type { Key } from "./keys.ts";
import { definitionFields, type PartName, partNames } from "./parts.ts";

export type Why =
  | Readonly<{ state: "hit"; key: string }>
  | Readonly<{ state: "never"; key: string }>
  | Readonly<{ state: "miss"; key: string; other: string; differences: readonly string[] }>;

/** What the cache has that this run could use. */
export type Kept = Readonly<{ keys: ReadonlySet<string>; newest: ReadonlyMap<string, Entry> }>;

export function keptIn(cacheFolder: string, { reads }: Scope): Kept {
  const stored = listStore(cacheFolder).filter((one) => reads.includes(one.shelf));
  const newest = new Map<string, Entry>();
  for (const { file } of stored) {
    const entry = readEntry(file);
    if (entry) newest.set(entry.task, entry);
  }
  return { keys: new Set(stored.map((one) => one.key)), newest };
}

export type Asked = Readonly<{
  id: string;
  key: Key;
  /** Path and content of the sources. */
  inputs: readonly string[];
  /** Registry packages that are others than with that lock file: `left-pad 1.3.0 → 1.3.1`; of the root with `isRoot`. */
  packages: (lock: string | undefined, isRoot: boolean) => Promise<readonly string[]>;
}>;

export async function whyMiss(asked: Asked, { keys, newest }: Kept): Promise<Why> {
  const { key } = asked.key;
  if (keys.has(key)) return { state: "hit", key };
  const entry = newest.get(asked.id);
  if (!entry) return { state: "never", key };
  return { state: "miss", key, other: entry.key, differences: await compare(asked, entry) };
}

async function compare({ key, inputs, packages }: Asked, entry: Entry): Promise<readonly string[]> {
  const upstream = lines(key.upstream, entry.upstream).map((l) => `waits for ${l}`);
  const before = (name: PartName) => entry.parts[name] ?? "";
  const ways: Readonly<Partial<Record<PartName, () => readonly string[] | Promise<readonly string[]>>>> = {
    command: () => [`command: ${before("command")} → ${key.parts.command}`],
    definition: () => fields(before("definition"), key.parts.definition),
    sources: () => lines(inputs, entry.inputs).map((l) => `source ${l}`),
    dependencies: () => resolved("registry packages", packages(entry.lock, false)),
    tools: () => resolved("root dependencies", packages(entry.lock, true)),
    machine: () => [`machine: ${before("machine")} → ${key.parts.machine}`],
    "waits for": () => (upstream.length > 0 ? [] : ["what it waits for"]), // told by the keys of those tasks
  };
  const all: string[] = [];
  for (const name of partNames.filter((one) => key.parts[one] !== before(one))) {
    const told = ways[name]?.();
    if (told) all.push(...(await told));
    else {
      const changed = lines(key.parts[name].split("\n"), before(name).split("\n"));
      all.push(...(changed.length > 0 ? changed.map((l) => `${name}: ${l}`) : [name]));
    }
  }
  all.push(...upstream);
  return all.length > 0 ? all : ["another version of Sluice"];
}

async function resolved(what: string, packages: Promise<readonly string[]>): Promise<readonly string[]> {
  const named = await packages;
  if (named.length === 0) return [`${what}: the lock file resolves them differently`];
  const more = named.length > 5 ? [`${what}: and ${named.length - 5} more`] : [];
  return [...named.slice(0, 5).map((one) => `${what}: ${one}`), ...more];
}

/** A definition is a list in JSON: which of its fields differ. */
function fields(before: string, now: string): readonly string[] {
  const [a, b]: (readonly unknown[])[] = [JSON.parse(before), JSON.parse(now)];
  return definitionFields.flatMap((name, i) => {
    const [was, is] = [JSON.stringify(a?.[i]), JSON.stringify(b?.[i])];
    return was === is ? [] : [`definition: ${name} ${was ?? "none"} → ${is ?? "none"}`];
  });
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
