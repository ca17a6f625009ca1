// The index's listing, shared out to projects. Git lists paths in byte order, so a project's files are one slice (or a
// few, where projects nest): its source key is ONE hash over them, and a dirty project reads only its own slice again.
import { createHash } from "node:crypto";
import type { Content, Dirty } from "./worktree.ts";

export type Range = readonly [start: number, end: number];
export type FileEntry = Readonly<{ path: string; content: Content }>;

/** Calls `visit` for every entry; given back are those whose edits git was told not to see. */
export function eachEntry(
  raw: Buffer,
  visit: (path: string, start: number, end: number) => void,
): readonly FileEntry[] {
  const text = raw.toString("latin1");
  const hidden: FileEntry[] = [];
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\0", start) + 1;
    if (end === 0) break;
    const tab = text.indexOf("\t", start);
    const path = decoded(text.slice(tab + 1, end - 1));
    if (text[start] === "S" || /[a-z]/.test(text[start] ?? ""))
      hidden.push({ path, content: text.slice(start + 2, tab - 2) });
    visit(path, start, end);
    start = end;
  }
  return hidden;
}

export function parseEntries(raw: Buffer): FileEntry[] {
  const entries: FileEntry[] = [];
  const text = raw.toString("latin1");
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\0", start);
    if (end < 0) break;
    const tab = text.indexOf("\t", start);
    entries.push({ path: decoded(text.slice(tab + 1, end)), content: text.slice(start + 2, tab - 2) });
    start = end + 1;
  }
  return entries;
}

/** The entries with the working tree's differences applied, in byte order. */
export function withDirty(entries: readonly FileEntry[], dirty: Iterable<[string, Content | undefined]>): FileEntry[] {
  const files = new Map(entries.map((e) => [e.path, e.content]));
  for (const [path, content] of dirty) {
    if (content === undefined) files.delete(path);
    else files.set(path, content);
  }
  return [...files].map(([path, content]) => ({ path, content })).sort((a, b) => byBytes(a.path, b.path));
}

export function sourceKey(entries: readonly FileEntry[]): string {
  const hash = createHash("sha1");
  hash.update(entries.map((e) => `H ${e.content} 0\t${e.path}\0`).join(""));
  return hash.digest("hex");
}

/** The same key straight from git's bytes: what a clean project costs. */
export function sliceKey(raw: Buffer, ranges: readonly Range[]): string {
  const hash = createHash("sha1");
  for (const [start, end] of ranges) hash.update(raw.subarray(start, end));
  return hash.digest("hex");
}

/** Which of the directories holds a path: the deepest one. "" is the root; a directory's own path (a submodule's) is in it. */
export function owners(dirs: Iterable<string>): (path: string) => string {
  const known = new Map<string, string>([["", ""]]);
  for (const dir of dirs) known.set(dir, dir);
  const ownerOfDir = (dir: string): string => {
    const found = known.get(dir);
    if (found !== undefined) return found;
    const owner = ownerOfDir(dir.slice(0, Math.max(0, dir.lastIndexOf("/"))));
    known.set(dir, owner);
    return owner;
  };
  return (path) => (known.get(path) === path ? path : ownerOfDir(path.slice(0, Math.max(0, path.lastIndexOf("/")))));
}

/** Dirty paths by the project that owns them. */
export function shareOut(
  dirty: Dirty,
  ownerOf: (path: string) => string,
): Map<string, [string, Content | undefined][]> {
  const shares = new Map<string, [string, Content | undefined][]>();
  for (const change of dirty) {
    const owner = ownerOf(change[0]);
    const share = shares.get(owner);
    if (share) share.push(change);
    else shares.set(owner, [change]);
  }
  return shares;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function decoded(latin1: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the test is for anything beyond ASCII
  return /^[\x00-\x7f]*$/.test(latin1) ? latin1 : Buffer.from(latin1, "latin1").toString();
}
