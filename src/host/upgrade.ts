// Whether other programs of the host may take the place of these: said before anything of what runs is touched.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../domain/problem.ts";

/** Its version, when both programs are there and the supervisor at least loads; else a Problem. */
export function versionThatStarts(programs: string): string {
  const missing = ["supervisor.js", "router.js"].find((name) => !existsSync(join(programs, name)));
  const mend = "Reinstall sluice, then upgrade again";
  if (missing !== undefined) throw new Problem(`${join(programs, missing)} is missing`, mend);
  const tried = spawnSync(process.execPath, [join(programs, "supervisor.js"), "--version"], { encoding: "utf8" });
  if (tried.status === 0) return tried.stdout.trim();
  throw new Problem(`the supervisor in ${programs} does not start: ${tried.stderr.trim().split("\n").at(-1)}`, mend);
}
