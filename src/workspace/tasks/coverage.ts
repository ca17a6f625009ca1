// What tests covered, as the usual tools leave it behind: coverage-summary.json (istanbul) or lcov.info, in `coverage/`.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Coverage = Readonly<{ project: string; linesPct: number }>;

/** Undefined where a project has none. */
export function coverageOf(root: string, { name, dir }: Readonly<{ name: string; dir: string }>): Coverage | undefined {
  const at = (file: string) => textOf(join(root, dir, "coverage", file));
  const linesPct = fromSummary(at("coverage-summary.json")) ?? fromLcov(at("lcov.info"));
  return linesPct === undefined ? undefined : { project: name, linesPct: Math.round(linesPct * 10) / 10 };
}

function fromSummary(text: string | undefined): number | undefined {
  try {
    const pct: unknown = JSON.parse(text ?? "null")?.total?.lines?.pct;
    return typeof pct === "number" ? pct : undefined;
  } catch {
    return undefined;
  }
}

/** LF: lines found, LH: lines hit, for each file. */
function fromLcov(text: string | undefined): number | undefined {
  const sum = (field: string) =>
    [...(text ?? "").matchAll(new RegExp(`^${field}:(\\d+)`, "gm"))].reduce((total, m) => total + Number(m[1]), 0);
  const found = sum("LF");
  return found > 0 ? (100 * sum("LH")) / found : undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
