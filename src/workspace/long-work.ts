// Long work is worth a small heap: the collector's default is to let it grow to what a machine with nothing else would spare.
import { setFlagsFromString } from "node:v8";

/** Projects to scan, or tasks to run. Below that it is over before the heap has grown. */
const many = 200;

export function beginWork(count: number): void {
  if (count > many) setFlagsFromString("--optimize-for-size"); // looked at whenever the collector chooses its next limit
}
