// The version of the package that a program belongs to: from the nearest package.json that has one.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export function versionOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "package.json");
    const version: unknown = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
    if (typeof version === "string") return version;
    if (at === dirname(at)) return "unknown";
  }
}
