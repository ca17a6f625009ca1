// JSON as tsconfig, turbo.json and nx.json are written: with comments and trailing commas.
import { Problem } from "../domain/problem.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

export function parseJsonc(text: string, file: string): JsonObject {
  const value = parse(text, file);
  if (isObject(value)) return value;
  throw new Problem(`${file} is not a JSON object`, `Write an object: { … }`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectAt(value: JsonObject, key: string): JsonObject {
  const inner = value[key];
  return isObject(inner) ? inner : {};
}

export function stringAt(value: JsonObject, key: string): string | undefined {
  const inner = value[key];
  return typeof inner === "string" ? inner : undefined;
}

export function stringsAt(value: JsonObject, key: string): readonly string[] | undefined {
  const inner = value[key];
  return Array.isArray(inner) ? inner.filter((x): x is string => typeof x === "string") : undefined;
}

/** Both sides of a merge in one file: neither is what it says. */
export function refuseConflict(text: string, file: string): void {
  if (/^<{7}(?: |$)/m.test(text))
    throw new Problem(`${file} has an unresolved merge conflict`, `Resolve it in ${file}`);
}

function parse(text: string, file: string): unknown {
  const bare = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    return JSON.parse(bare);
  } catch {
    try {
      return JSON.parse(strip(bare));
    } catch (error) {
      refuseConflict(text, file);
      const because = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
      throw new Problem(`${file} is not valid JSON: ${because}`, `Mend ${file}`);
    }
  }
}

/** Comments become nothing, a comma before a closing bracket goes; strings stay as they are. */
function strip(text: string): string {
  const bare = text.replace(/("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string?: string) => string ?? "");
  return bare.replace(/("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g, (_, string?: string) => string ?? "");
}
