// yarn.lock, classic (its own format) and berry (YAML): entries are found by descriptor, `name@range`.

import { strings } from "../graph/manifest.ts";
import { isObject, type JsonObject, stringAt } from "../jsonc.ts";
import { parseLockYaml } from "../yaml.ts";
import type { LockGraph, LockNode } from "./lockfile.ts";

export async function parseYarnLock(text: string, file: string, resolutions: JsonObject = {}): Promise<LockGraph> {
  const entries = /^__metadata:/m.test(text) ? await berry(text, file) : classic(text);
  const byDescriptor = new Map(entries.flatMap((e) => e.descriptors.map((d) => [d, e] as const)));
  const named = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = nameOf(entry.descriptors[0] ?? "");
    named.set(name, [...(named.get(name) ?? []), entry]);
  }
  const exact = (name: string, range: string | undefined) =>
    [range, `npm:${range}`, range?.replace(/^npm:/, "")]
      .map((r) => byDescriptor.get(`${name}@${r}`))
      .find((e) => e !== undefined);
  const forced = forcedBy(resolutions);
  const find = (name: string, range: string): readonly Entry[] => {
    const found = exact(name, forced(name, range)) ?? exact(name, range);
    // A resolution below one parent, a catalog: then every entry of that name counts, never none.
    return found ? [found] : (named.get(name) ?? []).filter((e) => !e.isLinked);
  };
  const nodes = new Map<string, LockNode>();
  for (const entry of entries) {
    if (entry.isLinked) continue;
    const dependencies = Object.entries(entry.dependencies).flatMap(([n, r]) => find(n, r).map((e) => e.id));
    nodes.set(entry.id, { label: entry.label, dependencies });
  }
  return {
    nodes,
    settings: "",
    resolve: (_, { name, range }) => {
      const found = find(name, range);
      if (found.length === 0) return named.get(name)?.some((e) => e.isLinked) ? "linked" : undefined;
      if (found.some((e) => e.isLinked)) return "linked";
      if (found.length === 1) return found[0]?.id;
      return several(nodes, found);
    },
  };
}

/** What the root's `resolutions` put in the place of a range, everywhere: `left`, `left@^1.0.0`, with yarn's `npm:`. */
function forcedBy(resolutions: JsonObject): (name: string, range: string) => string | undefined {
  const bare = (range: string) => range.replace(/^npm:/, "");
  const rules = Object.entries(strings(resolutions)).flatMap(([key, to]) => {
    const [, name, range] = /^(?:\*\*\/)?((?:@[^/@]+\/)?[^/@]+)(?:@(.+))?$/.exec(key) ?? [];
    return name ? [{ name, range: range === undefined ? undefined : bare(range), to }] : [];
  });
  return (name, range) =>
    rules.find((rule) => rule.name === name && (rule.range === undefined || rule.range === bare(range)))?.to;
}

/** One node for all entries that may be meant. */
function several(nodes: Map<string, LockNode>, entries: readonly Entry[]): string {
  const ids = entries.map((e) => e.id).sort();
  const id = ids.join(" | ");
  nodes.set(id, { label: "one of", dependencies: ids });
  return id;
}

type Entry = Readonly<{
  id: string;
  descriptors: readonly string[];
  label: string;
  dependencies: Readonly<Record<string, string>>;
  isLinked: boolean;
}>;

function entryOf(key: string, value: JsonObject): Entry {
  const descriptors = key.split(/,\s*/).map((d) => d.replace(/^"|"$/g, ""));
  const resolution = stringAt(value, "resolution") ?? stringAt(value, "resolved") ?? "";
  const mark = stringAt(value, "checksum") ?? stringAt(value, "integrity") ?? "";
  return {
    id: key,
    descriptors,
    label: `${nameOf(descriptors[0] ?? "")}@${String(value.version ?? "")} ${resolution} ${mark}`,
    dependencies: { ...strings(value.dependencies), ...strings(value.optionalDependencies) },
    isLinked: /@workspace:|@(?:link|portal):/.test(resolution),
  };
}

function nameOf(descriptor: string): string {
  return descriptor.slice(0, descriptor.indexOf("@", 1));
}

async function berry(text: string, file: string): Promise<Entry[]> {
  const lock = await parseLockYaml(text, file);
  return Object.entries(lock).flatMap(([key, value]) =>
    key !== "__metadata" && isObject(value) ? [entryOf(key, value)] : [],
  );
}

/** Two spaces a level; a line is `key "value"`, or a header that ends in a colon. */
function classic(text: string): Entry[] {
  const entries: Entry[] = [];
  let key = "";
  let value: Record<string, string | Record<string, string>> = {};
  let section: Record<string, string> | undefined;
  const close = () => {
    if (key) entries.push(entryOf(key, value));
  };
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const depth = line.search(/\S/);
    const bare = line.trim();
    if (depth === 0) {
      close();
      key = bare.replace(/:$/, "");
      value = {};
      section = undefined;
    } else if (depth === 2 && bare.endsWith(":")) {
      section = {};
      value[bare.slice(0, -1)] = section;
    } else {
      const [, name = "", of = ""] = /^("[^"]*"|\S+)\s+"?([^"]*)"?$/.exec(bare) ?? [];
      if (depth > 2 && section) section[unquoted(name)] = of;
      else value[unquoted(name)] = of;
    }
  }
  close();
  return entries;
}

function unquoted(text: string): string {
  return text.replace(/^"|"$/g, "");
}
