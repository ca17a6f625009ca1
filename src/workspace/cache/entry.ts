// What the header of an entry says. It may come from anybody who can write to a shared cache, so it is believed only when
// it has the form that we write; what its paths may be is for the restore to judge.
import { isObject, type JsonObject } from "../jsonc.ts";
import type { Output } from "../tasks/outputs.ts";
import type { Parts } from "../tasks/parts.ts";

export type Entry = Readonly<{
  key: string;
  task: string;
  durationMs: number;
  outputs: readonly Output[];
  log: Readonly<{ size: number; digest: string }>;
  parts: Parts;
  upstream: readonly string[];
  /** Path and content of the sources: so that a miss can name the file. */
  inputs: readonly string[];
  /** Name and content of the lock file. */
  lock?: string;
}>;

/** Whoever wrote the header: every field that is used is what it should be, and the sizes are those of the file. */
export function isEntry(entry: unknown, bodyBytes: number): entry is Entry {
  if (!isObject(entry) || !isObject(entry.log) || !isSized(entry.log)) return false;
  if (!isObject(entry.parts) || !Object.values(entry.parts).every(isText)) return false;
  if (![entry.key, entry.task].every(isText) || typeof entry.durationMs !== "number") return false;
  if (![entry.upstream, entry.inputs].every((list) => Array.isArray(list) && list.every(isText))) return false;
  if (entry.lock !== undefined && !isText(entry.lock)) return false;
  if (!Array.isArray(entry.outputs) || !entry.outputs.every(isOutput)) return false;
  const outputs: readonly Output[] = entry.outputs;
  const paths = new Set(outputs.map(({ path }) => path));
  const bytes = outputs.reduce((sum, o) => sum + (o.kind === "file" ? o.size : 0), Number(entry.log.size));
  return bytes === bodyBytes && paths.size === outputs.length;
}

function isOutput(output: unknown): output is Output {
  if (!isObject(output) || !isText(output.path) || output.path === "") return false;
  if (output.kind === "link") return isText(output.to) && output.to !== "";
  return output.kind === "folder" || (output.kind === "file" && isSized(output) && Number.isInteger(output.mode));
}

function isSized(part: JsonObject): boolean {
  return Number.isSafeInteger(part.size) && Number(part.size) >= 0 && isText(part.digest);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
