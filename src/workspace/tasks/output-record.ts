// What lies in the output directories: for each task the key it was made for and the stat of every file. Where all stats
// are as recorded, a hit costs no more than that look. One file for the workspace: names in text, numbers as doubles.
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { readSealed, writeSealed } from "../cache/sealed-file.ts";

/** size, mtime, ctime (ms with fractions: below a microsecond), inode. */
const numbersPerFile = 4;
const schema = 2;

export type Made = Readonly<{ key: string; paths: readonly string[]; stats: Float64Array }>;

/** What the last run found all keys to be made of, if that can be said in short. */
export type World = Readonly<{
  key: string;
  ids: readonly string[];
  dirs: readonly string[];
  /** Of environment variables. */
  patterns: readonly string[];
}>;

export type Record = Readonly<{ record: Map<string, Made>; world: World | undefined }>;
type Head = Readonly<{
  schema: number;
  tasks: readonly (readonly [id: string, key: string, files: number])[];
  textBytes: number;
  world?: World;
}>;

export function readRecord(file: string): Record {
  const record = new Map<string, Made>();
  const body = readSealed(file);
  if (!body) return { record, world: undefined };
  const end = body.indexOf(10);
  const head: Head = JSON.parse(body.toString("utf8", 0, end));
  if (head.schema !== schema) return { record, world: undefined };
  const text = body.toString("utf8", end + 1, end + 1 + head.textBytes);
  const paths = text === "" ? [] : text.split("\0");
  const numbers = body.subarray(end + 1 + head.textBytes);
  const stats = new Float64Array(numbers.length / 8);
  new Uint8Array(stats.buffer).set(numbers);
  let at = 0;
  for (const [id, key, files] of head.tasks) {
    const own = stats.subarray(at * numbersPerFile, (at + files) * numbersPerFile);
    record.set(id, { key, paths: paths.slice(at, at + files), stats: own });
    at += files;
  }
  return { record, world: head.world };
}

export function writeRecord(file: string, record: ReadonlyMap<string, Made>, world: World | undefined): void {
  const text = Buffer.from([...record.values()].flatMap((m) => m.paths).join("\0"));
  const tasks = [...record].map(([id, { key, paths }]) => [id, key, paths.length] as const);
  const head: Head = { schema, tasks, textBytes: text.length, ...(world ? { world } : {}) };
  const numbers = [...record.values()].map((m) => Buffer.from(m.stats.buffer, m.stats.byteOffset, m.stats.byteLength));
  writeSealed(file, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), text, ...numbers]));
}

export function look(root: string, key: string, paths: readonly string[]): Made {
  const stats = new Float64Array(paths.length * numbersPerFile);
  paths.forEach((path, i) => {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stat) stats.set([stat.isDirectory() ? 0 : stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino], i * numbersPerFile);
  });
  return { key, paths, stats };
}

/** True when nothing was touched since. `prefix` is the workspace root with a slash, or "" where it is the cwd. */
export function isUntouched({ paths, stats }: Made, prefix: string): boolean {
  for (let i = 0, at = 0; i < paths.length; i++, at += numbersPerFile) {
    const stat = lstatSync(prefix + paths[i], { throwIfNoEntry: false });
    if (!stat || stat.mtimeMs !== stats[at + 1] || stat.ctimeMs !== stats[at + 2] || stat.ino !== stats[at + 3])
      return false;
    if (stat.size !== stats[at] && !stat.isDirectory()) return false;
  }
  return true;
}
