// Descriptors that this process was given by accident, by a shell or a CI runner, and would pass on to every replica.
import { closeSync, readdirSync, readFileSync } from "node:fs";

const closeOnExec = 0o2000000;

/**
 * Closes what is open, not marked close-on-exec and not `wanted`. Node marks all of its own, so what is left came from
 * outside. Linux only: elsewhere there is no list to look at.
 */
export function closeForeignDescriptors(wanted: readonly number[]): void {
  if (process.platform !== "linux") return;
  for (const fd of readdirSync("/proc/self/fd").map(Number))
    if (fd > 2 && !wanted.includes(fd) && isPassedOn(fd)) closeSync(fd);
}

function isPassedOn(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    return false; // the descriptor of the listing itself
  }
}
