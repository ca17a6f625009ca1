// What a replica started and what then left its process group, as daemons do. It still has the environment that it was started
// with, in which the run is named, unless it cleared that too; then its control group knows it, where there is one.
import { readdirSync, readFileSync } from "node:fs";

/** In the environment of every process of a run: its folder, which no other run of this machine has. */
export const runVariable = "SLUICE_RUN";

/** Ends what is left of a run that is over. */
export function endEscaped(run: string): void {
  if (process.platform !== "linux") return;
  const mark = `\0${runVariable}=${run}\0`;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || !environmentOf(name).includes(mark)) continue;
    try {
      process.kill(Number(name), "SIGKILL");
    } catch {
      // it ended meanwhile
    }
  }
}

/** Nothing when it is another user's, who is not to be looked at. */
function environmentOf(pid: string): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "utf8")}\0`;
  } catch {
    return "";
  }
}
