// Replicas that nobody knows: a supervisor that died between starting one and writing it down left its shim behind.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readWhole } from "../whole-file.ts";
import { leaveContainer } from "./container.ts";
import { commandLine, signalGroup } from "./process-identity.ts";

/** Ends every shim below `runs` but the known ones, and removes their folders; answers how many it ended. */
export function endStrays(runs: string, known: ReadonlySet<string>): number {
  if (!existsSync(runs)) return 0;
  const strange = readdirSync(runs)
    .map((name) => join(runs, name))
    .filter((run) => !known.has(run));
  const ended = strange.filter(endStray).length;
  strange.forEach(leaveContainer);
  for (const run of strange) rmSync(run, { recursive: true, force: true });
  return ended;
}

/** The shim names its run folder among its arguments: a reused pid does not. */
function endStray(run: string): boolean {
  const pid = Number.parseInt(readWhole(join(run, "pid")) ?? "", 10);
  if (!(pid > 1) || !commandLine(pid)?.includes(run)) return false;
  return signalGroup(pid, "SIGKILL");
}
