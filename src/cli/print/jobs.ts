// Jobs as a table: when each comes next and how it went last.
import type { SeenJobRun, SeenScheduledJob } from "../../domain/scheduled-job.ts";
import type { Colors } from "../screen.ts";
import { columns } from "./text.ts";

export function jobLines(
  jobs: readonly SeenScheduledJob[],
  { now, colors }: { readonly now: number; readonly colors: Colors },
): readonly string[] {
  if (jobs.length === 0) return ["No jobs: name them under `jobs` in sluice.config.ts and deploy"];
  const head = ["environment", "job", "schedule", "next", "last run"].map((cell) => colors.dim(cell));
  const rows = jobs.map(({ environment, name, cron, zone, nextAt, runs: [last] }) => [
    environment,
    colors.bold(name),
    cron === undefined ? "by hand" : `${cron} ${zone}`,
    nextAt === undefined ? "" : `in ${span(nextAt - now)}`,
    last === undefined ? colors.dim("never") : `${runWords(last, colors)}, ${span(now - last.at)} ago`,
  ]);
  return columns([head, ...rows]);
}

/** "✓ succeeded after 2 s", "✗ exited with code 1 after 2 s" */
export function runWords({ state, because, startedAt, endedAt }: SeenJobRun, colors: Colors): string {
  if (state === "running") return `${colors.cyan("●")} running`;
  if (state === "skipped") return `${colors.yellow("–")} skipped: ${because}`;
  if (state === "failed") return `${colors.red("✗")} ${because}`;
  const took = startedAt === undefined || endedAt === undefined ? "" : ` after ${span(endedAt - startedAt)}`;
  return `${colors.green("✓")} succeeded${took}`;
}

function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
