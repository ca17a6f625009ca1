// The end of a run: what is reported, and the exit status.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { coverageOf } from "../../workspace/tasks/coverage.ts";
import type { Result } from "../../workspace/tasks/result.ts";
import type { RunVerbOptions } from "../verbs/run.ts";
import { junit } from "./junit.ts";
import type { RunScreen } from "./run-screen.ts";

type Ending = Readonly<{
  options: RunVerbOptions;
  root: string;
  isStopped: boolean;
  screen: RunScreen;
  beganMs?: number;
  /** The projects whose tests left something about coverage behind. */
  projects?: readonly Readonly<{ name: string; dir: string }>[];
}>;

export function finish(
  results: readonly Result[],
  { options, root, isStopped, screen, beganMs, projects = [] }: Ending,
): void {
  const isOk = results.every((r) => r.outcome !== "failed" && r.outcome !== "skipped" && r.outcome !== "stopped");
  if (options.junit) writeReport(resolve(root, options.junit), junit(results));
  const tested = new Set(
    results.filter((r) => /#(?:test|coverage)\b/.test(r.id)).map((r) => r.id.replace(/#[^#]*$/, "")),
  );
  const coverage = projects.filter((p) => tested.has(p.name)).flatMap((p) => coverageOf(root, p) ?? []);
  const tookMs = beganMs === undefined ? undefined : Date.now() - beganMs;
  const lines = coverage.map(({ project, linesPct }) => `coverage  ${project}  ${linesPct} % of lines`);
  const tasks = results.map((result) => ({ ...result, durationMs: Math.round(result.durationMs) }));
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: isOk, tookMs, tasks, coverage })}\n`);
  else screen.summary(results, { tookMs, coverage: lines });
  if (isStopped) process.exitCode = 130;
  else if (!isOk) process.exitCode = 1;
}

function writeReport(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(`the report could not be written: ${why}`, "Name a file that can be written: --junit report.xml");
  }
}
