// The end of a run: what is reported, and the exit status.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../../workspace/tasks/run.ts";
import type { RunVerbOptions } from "../verbs/run.ts";
import { junit } from "./junit.ts";
import type { RunScreen } from "./run-screen.ts";

type Ending = Readonly<{
  options: RunVerbOptions;
  root: string;
  isStopped: boolean;
  screen: RunScreen;
}>;

export function finish(results: readonly Result[], { options, root, isStopped, screen }: Ending): void {
  const isOk = results.every((r) => r.outcome !== "failed" && r.outcome !== "skipped" && r.outcome !== "stopped");
  if (options.junit) writeFileSync(join(root, options.junit), junit(results));
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: isOk, tasks: results })}\n`);
  else screen.summary(results);
  if (isStopped) process.exitCode = 130;
  else if (!isOk) process.exitCode = 1;
}
