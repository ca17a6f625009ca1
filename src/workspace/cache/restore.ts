// Puts an entry's outputs back exactly: what is already right stays, what the entry does not have goes, and nothing is
// written through a link or outside the declared outputs, whatever an entry says.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import { matcher, staticBase } from "../glob.ts";
import { digestOf, type Output, outputPaths, removeAll } from "../tasks/outputs.ts";
import { Broken, type Found } from "./store.ts";

export type Place = Readonly<{ root: string; globs: readonly string[]; keep: (path: string) => boolean }>;

/** False when the entry is broken or hostile: then it is a miss, and the task cleans up by running. */
export function restore(found: Found, { root, globs, keep }: Place): boolean {
  const { outputs } = found.entry;
  if (!isTame(outputs, globs)) return false;
  const wanted = new Set(outputs.map((o) => o.path));
  removeAll(
    root,
    outputPaths(root, globs).filter((path) => !wanted.has(path) && !keep(path)),
  );
  const folders = new Map<string, "new" | "old">();
  try {
    for (const [output, content] of found.contents()) put({ root, output, content, folders });
    return true;
  } catch (error) {
    if (error instanceof Broken || isRefusal(error)) return false;
    throw error;
  }
}

/** Every path is an output of this task, plain, and below nothing that the entry itself makes a link. */
function isTame(outputs: readonly Output[], globs: readonly string[]): boolean {
  const isOutput = matcher(globs);
  const bases = globs.filter((glob) => !glob.startsWith("!")).map(staticBase);
  /** In a `node_modules` only where the declaration itself says so. */
  const isNamed = (path: string) =>
    bases.some(
      (base) => `${path}/`.startsWith(base && `${base}/`) && !/(^|\/)node_modules(\/|$)/.test(path.slice(base.length)),
    );
  const links = new Set(outputs.filter((o) => o.kind === "link").map((o) => o.path));
  return outputs.every((output) => {
    const { path } = output;
    if (path.startsWith("/") || path.includes("\0") || posix.normalize(path) !== path || /(^|\/)\.\.(\/|$)/.test(path))
      return false;
    if (!isOutput(path) || !isNamed(path) || /(^|\/)(?:\.git|\.sluice)(\/|$)/.test(path) || leadsOut(output))
      return false;
    for (let at = posix.dirname(path); at !== "."; at = posix.dirname(at)) if (links.has(at)) return false;
    return true;
  });
}

/** A link from which a later task, or a deployment, would read or write elsewhere. */
export function leadsOut(output: Output): boolean {
  if (output.kind !== "link") return false;
  const to = posix.normalize(posix.join(posix.dirname(output.path), output.to));
  return output.to.startsWith("/") || /^(?:\.\.|\.git|\.sluice)(?:\/|$)/.test(to);
}

type Put = Readonly<{ root: string; output: Output; content: Buffer; folders: Map<string, "new" | "old"> }>;

function put({ root, output, content, folders }: Put): void {
  const at = `${root}/${output.path}`;
  if (output.kind === "folder") {
    makeFolder(root, output.path, folders);
    return;
  }
  const isEmpty = makeFolder(root, posix.dirname(output.path), folders) === "new"; // then nothing is in the way
  const stat = isEmpty ? undefined : lstatSync(at, { throwIfNoEntry: false });
  if (output.kind === "link") {
    if (stat?.isSymbolicLink() && readlinkSync(at) === output.to) return;
    if (stat) rmSync(at, { recursive: true });
    symlinkSync(output.to, at);
    return;
  }
  const mode = output.mode & 0o777;
  if (stat?.isFile() && stat.nlink === 1 && stat.size === output.size && digestOf(readFileSync(at)) === output.digest) {
    if ((stat.mode & 0o777) !== mode) chmodSync(at, mode);
    return;
  }
  if (stat) rmSync(at, { recursive: true }); // never written in place: it may be a link to elsewhere
  writeFileSync(at, content, { flag: "wx", mode });
  if (mode & 0o022 || (mode & 0o111) === 0o100) chmodSync(at, mode); // the umask took bits
}

/** Real folders all the way: a link on the way would lead the outputs elsewhere. */
function makeFolder(root: string, path: string, folders: Map<string, "new" | "old">): "new" | "old" {
  if (path === ".") return "old";
  const known = folders.get(path);
  if (known) return known;
  const above = makeFolder(root, dirname(path), folders);
  const at = join(root, path);
  const stat = above === "new" ? undefined : lstatSync(at, { throwIfNoEntry: false });
  const isThere = stat?.isDirectory() === true;
  if (!isThere) {
    if (stat) rmSync(at);
    mkdirSync(at);
  }
  folders.set(path, isThere ? "old" : "new");
  return isThere ? "old" : "new";
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    ["ENOSPC", "EACCES", "EROFS", "EEXIST", "ENOTDIR"].includes(String(error.code))
  );
}
