// What lies in the output directories: for each task the key it was made for and the stat of every file. Where all stats
// are as recorded, a hit costs no more than that look. One file for the workspace: names in text, numbers as doubles.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readSealed, writeSealed } from "../cache/sealed-file.ts";
import { readNumbers, withNumbers } from "../packed.ts";

/** size, mtime, ctime (ms with fractions: below a microsecond), inode. */
const numbersPerFile = 4;
const form = "record 1";

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
  tasks: readonly (readonly [id: string, key: string, files: number])[];
  world?: World;
}>;

let last: Readonly<{ file: string; version: string; read: Record }> | undefined;

/** The same file is not read twice: the quick look at it comes first, and mostly the run itself after that. */
export function readRecord(file: string): Record {
  const version = versionOf(file);
  if (last?.file !== file || last.version !== version) last = { file, version, read: readAnew(file) };
  return { ...last.read, record: new Map(last.read.record) };
}

/** "" where there is none to read. */
function versionOf(file: string): string {
  try {
    const { ino, mtimeMs } = lstatSync(file);
    return `${ino} ${mtimeMs}`;
  } catch {
    return "";
  }
}

function readAnew(file: string): Record {
  const record = new Map<string, Made>();
  const body = readSealed(file, form);
  if (!body) return { record, world: undefined };
  const { head, lines, numbers } = readNumbers<Head>(body);
  let at = 0;
  for (const [id, key, files] of head.tasks) {
    const stats = numbers.subarray(at * numbersPerFile, (at + files) * numbersPerFile);
    record.set(id, { key, paths: lines.slice(at, at + files), stats });
    at += files;
  }
  return { record, world: head.world };
}

export function writeRecord(file: string, record: ReadonlyMap<string, Made>, world: World | undefined): void {
  const made = [...record.values()];
  const tasks = [...record].map(([id, { key, paths }]) => [id, key, paths.length] as const);
  const head: Head = { tasks, ...(world ? { world } : {}) };
  const numbers = new Float64Array(made.reduce((sum, { stats }) => sum + stats.length, 0));
  let at = 0;
  for (const { stats } of made) {
    numbers.set(stats, at);
    at += stats.length;
  }
  const paths = made.flatMap((m) => m.paths);
  writeSealed(file, form, withNumbers(head, paths, numbers));
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
    if (!stat && stats[at + 3] === 0) continue; // was not there, and is not
    if (!stat || stat.mtimeMs !== stats[at + 1] || stat.ctimeMs !== stats[at + 2] || stat.ino !== stats[at + 3])
      return false;
    if (stat.size !== stats[at] && !stat.isDirectory()) return false;
  }
  return true;
}

/** The first output that is not what it was, or is new to its folder; of folders, whose times any neighbour changes, only that. */
export function firstTouched(
  root: string,
  { paths, stats }: Made,
  isOutput: (path: string) => boolean,
): string | undefined {
  const known = new Set<string>();
  const folders: string[] = [];
  for (const [i, path] of paths.entries()) {
    const at = i * numbersPerFile;
    const stat = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (!stat && stats[at + 3] === 0) continue;
    const isSame = stat?.mtimeMs === stats[at + 1] && stat?.ctimeMs === stats[at + 2] && stat?.ino === stats[at + 3];
    if (!isSame && stat?.isDirectory()) folders.push(path);
    else if (!isSame && isOutput(path)) return path;
  }
  if (folders.length === 0) return undefined;
  for (const path of paths) known.add(path);
  return folders
    .flatMap((path) => readdirSync(`${root}/${path}`).map((name) => `${path}/${name}`))
    .find((path) => !known.has(path) && isOutput(path));
}
