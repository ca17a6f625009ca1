// Tells failed requests from those that were under way on what was killed on purpose, and shows of each failure what
// happened around it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Blow, isHit } from "./chaos.ts";
import type { Loss } from "./loss.ts";

const notesMax = 5_000;
const aroundMs = 1_500;
const shownMax = 20;

export interface Diary {
  note(what: string): void;
  /** What was written between two moments, and what the host itself logged. */
  around(fromMs: number, toMs: number, dataFolder: string): readonly string[];
}

/** The latest moments only: memory stays the same however long it goes on. */
export function keepDiary(): Diary {
  const notes: { readonly atMs: number; readonly what: string }[] = [];
  return {
    note: (what) => {
      notes.push({ atMs: Date.now(), what });
      if (notes.length > notesMax) notes.splice(0, notesMax / 2);
    },
    around: (fromMs, toMs, dataFolder) => {
      const isNear = (atMs: number) => atMs >= fromMs - aroundMs && atMs <= toMs + aroundMs;
      const mine = notes.filter(({ atMs }) => isNear(atMs)).map(({ atMs, what }) => `${moment(atMs)} ${what.trim()}`);
      const theirs = linesOf(join(dataFolder, "host", "host.log")).filter((line) =>
        isNear(Date.parse(line.slice(0, 24))),
      );
      return [...mine, ...theirs].sort();
    },
  };
}

export interface Sorted {
  readonly failed: readonly Loss[];
  readonly hit: readonly Loss[];
}

export function sorted(losses: readonly Loss[], blows: readonly Blow[]): Sorted {
  const hit = losses.filter((loss) => blows.some((blow) => isHit(loss, blow)));
  return { failed: losses.filter((loss) => !hit.includes(loss)), hit };
}

export function explain(failed: readonly Loss[], told: (loss: Loss) => readonly string[]): void {
  for (const loss of failed.slice(0, shownMax)) {
    const on = loss.on.length > 0 ? ` on ${loss.on.join(", ")}` : "";
    console.error(`failed: ${loss.kind}${on}: ${loss.because.trim()}`);
    console.error(`  sent ${moment(loss.startMs)}, lost ${moment(loss.endMs)}; around it:`);
    for (const line of told(loss)) console.error(`  | ${line}`);
  }
  if (failed.length > shownMax) console.error(`and ${failed.length - shownMax} more`);
}

/** Of rows that have the same keys: a table that reads well in a terminal and on a page. */
export function tableOf(rows: readonly Readonly<Record<string, string | number>>[]): readonly string[] {
  const titles = Object.keys(rows[0] ?? {});
  const cells = [titles, ...rows.map((row) => titles.map((title) => String(row[title])))];
  const widths = titles.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const [head = "", ...body] = cells.map(
    (line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`,
  );
  return [head, `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body];
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return []; // nothing was logged
  }
}
