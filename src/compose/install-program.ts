// A copy of this installation where the users of the units may read it: npx, version managers and repositories keep theirs
// in somebody's home folder, which those users may not enter, and npm throws away what npx fetched.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { Problem } from "../domain/problem.ts";

/** Whether a unit can rely on it: everybody may read it, and nobody will clean it up. */
export function isForAll(file: string): boolean {
  const real = realpathSync(file);
  return isOpen(real, 0o004) && !real.split(sep).includes("_npx");
}

/** Node itself is not copied: it belongs to the machine, as its updates do. */
export function mustReachNode(node: string): void {
  if (isOpen(realpathSync(node), 0o001)) return;
  throw new Problem(
    `the users of the units may not run ${node}, which lies in a closed folder`,
    "Install Node for the whole machine, for instance below /usr/local, and run this with that one",
  );
}

/** Puts the package of `program` and all that it depends on below `to`, whole or not at all; answers the program there. */
export function copyProgram(program: string, to: string): string {
  const real = realpathSync(program);
  const folder = packageFolder(real);
  const beside = `${to}.${process.pid}.part`;
  const former = `${to}.${process.pid}.former`;
  try {
    copyPackage(folder, { into: join(beside, "node_modules"), placed: new Map() });
    spawnSync("chmod", ["-R", "a+rX", beside]);
    if (existsSync(to)) renameSync(to, former);
    renameSync(beside, to);
  } finally {
    for (const left of [beside, former]) rmSync(left, { recursive: true, force: true });
  }
  return join(to, "node_modules", manifestOf(folder).name, relative(folder, real));
}

interface Copy {
  readonly into: string;
  /** Names at the top, and where each was taken from: another version of one goes below who needs it. */
  readonly placed: Map<string, string>;
}

function copyPackage(folder: string, { into, placed }: Copy): void {
  const { name, files, dependencies, optionalDependencies } = manifestOf(folder);
  const target = join(into, name);
  const isOurs = placed.size === 0;
  placed.set(name, folder);
  const parts = files?.filter((part) => !part.startsWith("!"));
  const taken = isOurs && parts !== undefined ? ["package.json", ...parts] : ["."];
  for (const part of taken.filter((one) => existsSync(join(folder, one))))
    cpSync(join(folder, part), join(target, part), { recursive: true, filter: (from) => !isIn(folder, from) });
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const found = findPackage(folder, dependency);
    if (found === undefined || placed.get(dependency) === found) continue;
    const isFree = !placed.has(dependency);
    copyPackage(found, isFree ? { into, placed } : { into: join(target, "node_modules"), placed: new Map(placed) });
  }
}

/** What a package brought along is copied as a dependency, from wherever it is found. */
function isIn(folder: string, file: string): boolean {
  return relative(folder, file).split(sep).includes("node_modules");
}

/** As Node looks for it: beside the package, then further up. Optional ones may be missing. */
function findPackage(from: string, name: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return realpathSync(folder);
  return dirname(from) === from ? undefined : findPackage(dirname(from), name);
}

function packageFolder(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, "package.json"))) return folder;
  throw new Problem(`${file} belongs to no package`, "Run the sluice that npm installed");
}

interface Manifest {
  readonly name: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Others may pass every folder on the way and have this right on the file. */
function isOpen(file: string, right: number): boolean {
  if ((statSync(file).mode & right) !== right) return false;
  const folder = dirname(file);
  return folder === file || isOpen(folder, 0o001);
}
