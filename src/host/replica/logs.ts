// What replicas printed: the last lines of a file that may be long, without reading all of it.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const chunkBytes = 64 * 1024;

/** The last lines of a log, also those before it was last cut. */
export function lastPrinted(file: string, count: number): readonly string[] {
  const lines = lastLines(file, count);
  return lines.length === count ? lines : [...lastLines(`${file}.1`, count - lines.length), ...lines];
}

/** At most the last `count` lines; none when there is no such file. */
export function lastLines(file: string, count: number): readonly string[] {
  let descriptor: number;
  if (count <= 0) return [];
  try {
    descriptor = openSync(file, "r");
  } catch {
    return []; // nothing printed yet
  }
  try {
    return linesFromEnd(descriptor, count);
  } finally {
    closeSync(descriptor);
  }
}

function linesFromEnd(descriptor: number, count: number): readonly string[] {
  let at = fstatSync(descriptor).size;
  let tail = Buffer.alloc(0);
  while (at > 0 && linesIn(tail) <= count) {
    const bytes = Math.min(chunkBytes, at);
    at -= bytes;
    const part = Buffer.alloc(bytes);
    readSync(descriptor, part, 0, bytes, at);
    tail = Buffer.concat([part, tail]);
  }
  const lines = tail.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-count);
}

function linesIn(text: Buffer): number {
  let lines = 0;
  for (const byte of text) if (byte === 10) lines++;
  return lines;
}
