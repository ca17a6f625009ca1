// A repository opened: its projects, and the content of their files. What was learnt last time is kept beside git's index
// stamp; an unchanged index and a clean tree cost one small file to read, a dirty project one slice of the listing.
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { stateFolder } from "../cache/sealed-file.ts";
import { indexStamp } from "../git/git-folder.ts";
import {
  eachEntry,
  type FileEntry,
  owners,
  parseEntries,
  type Range,
  shareOut,
  sliceKey,
  sourceKey,
  withDirty,
} from "../git/listing.ts";
import { type Content, contentAt, type Dirty, folderOf, type Look, listIndex } from "../git/worktree.ts";
import { shapesOfSubmodule, textsLeftOut } from "./elsewhere.ts";
import { projectDirs, readWholeShape, type Shape, shapesGraph } from "./layout.ts";
import { type Project, type ProjectFiles, readProject } from "./manifest.ts";
import { type Memory, readMemory, type Slice, writeMemory } from "./memory.ts";

export type Workspace = Readonly<{
  root: string;
  shape: Shape;
  /** In order of directory; the root is the first. */
  projects: readonly Project[];
  /** One hash over all that project files say. */
  projectsKey: string;
  dirty: Dirty;
  /** As git has them; their edits it was told not to see (`assume-unchanged`, sparse checkouts). */
  hidden: readonly FileEntry[];
  ownerOf: (path: string) => string;
  /** One hash over a project's files, paths and modes bound to contents. */
  sourceKeyOf: (dir: string) => string;
  filesOf: (dir: string) => readonly FileEntry[];
  contentOf: (path: string) => Content | undefined;
  /** True for what git's index has, edited or not: a source, whatever outputs are declared. */
  isTracked: (path: string) => boolean;
  read: (path: string) => string | undefined;
}>;

export async function openWorkspace(root: string, looking: Promise<Look>): Promise<Workspace> {
  looking.catch(() => {}); // reported where it is awaited
  const folder = join(stateFolder(root), "graph");
  const memory = readMemory(folder);
  const stamp = indexStamp(folderOf(root));
  const isSameIndex = memory !== undefined && stamp !== undefined && memory.stamp === stamp;
  const listing = isSameIndex ? undefined : listIndex(root);
  listing?.catch(() => {}); // reported where it is awaited
  const [look, fresh] = [await looking, await listing];
  if (isSameIndex && look.stamp === stamp) {
    const opened = await reopen(root, folder, memory, look.dirty);
    if (opened) return opened;
  }
  return await reading(root, folder, { raw: fresh ?? (await listIndex(root)), stamp: look.stamp, look, memory });
}

/** The fast way: the same index. Undefined when the remembered listing turns out altered. */
async function reopen(root: string, folder: string, memory: Memory, seen: Dirty): Promise<Workspace | undefined> {
  const dirty = withHidden(root, seen, memory.hidden);
  const overlay = overlayOf(dirty);
  if (!sameRecord(overlay, memory.overlay)) {
    const raw = readListing(folder);
    if (!raw) return undefined;
    return await reading(root, folder, {
      raw,
      stamp: memory.stamp,
      look: { stamp: memory.stamp, dirty: seen },
      memory,
    });
  }
  const touched = shareOut(dirty, owners(memory.projects.map((p) => p.dir)));
  for (const dir of touched.keys()) if (!sliceOf(folder, memory, dir)) return undefined;
  return assemble({ root, folder, memory, dirty });
}

type Listed = Readonly<{ raw: Buffer; stamp: string | undefined; look: Look; memory: Memory | undefined }>;

/** The long way: the listing is gone through; only project files whose content changed are read again. */
async function reading(root: string, folder: string, listed: Listed): Promise<Workspace> {
  const { raw, stamp, look, memory: old } = listed;
  const shapes: Record<string, Content> = {};
  const paths: string[] = [];
  const starts: number[] = [];
  const hidden = eachEntry(raw, (path, start) => {
    paths.push(path);
    starts.push(start);
    if (shapesGraph(path)) shapes[path] = raw.toString("latin1", start + 2, raw.indexOf(9, start) - 2);
    else if (raw[start + 3] === 54 /* mode 160000 */) Object.assign(shapes, shapesOfSubmodule(root, path));
  });
  starts.push(raw.length);
  const dirty = withHidden(root, look.dirty, hidden);
  const overlay = overlayOf(dirty);
  const now = applied(shapes, overlay);
  const before = old ? applied(old.shapes(), old.overlay) : new Map<string, Content>();
  const left = textsLeftOut(
    root,
    hidden.filter((f) => shapesGraph(f.path)),
    () => "",
  );
  const text = (path: string) => (now.has(path) ? (textAt(root, path) ?? left(path)) : undefined);
  const shape = await readWholeShape(root, text);
  const dirs = projectDirs(shape, now.keys());
  const known = new Map(old?.shape.isNx === shape.isNx ? old.projects.map((p) => [p.dir, p]) : []);
  const projects = dirs.map((dir) => {
    const files = ["package.json", "project.json", "turbo.json"].map((f) => (dir ? `${dir}/${f}` : f));
    const kept = known.get(dir);
    if (kept && files.every((f) => now.get(f) === before.get(f))) return kept;
    const [manifest, nx, turbo] = files.map(text);
    const ofNx = shape.isNx ? { nx, isNx: true } : {};
    return readProject(dir, defined({ manifest, ...ofNx, turbo: dir ? turbo : undefined }));
  });
  refuseTwins(projects);
  const slices = cut(raw, { dirs, paths, starts });
  const projectsKey = createHash("sha1")
    .update(JSON.stringify([shape, projects]))
    .digest("hex");
  const memory: Memory = { stamp, hidden, shapes: () => shapes, overlay, shape, projects, projectsKey, slices };
  remember(folder, memory, raw);
  return assemble({ root, folder, memory, dirty, raw });
}

function cut(raw: Buffer, of: { dirs: readonly string[]; paths: readonly string[]; starts: readonly number[] }) {
  const ownerOf = owners(of.dirs);
  const ranges = new Map<string, [number, number][]>(of.dirs.map((dir) => [dir, []]));
  of.paths.forEach((path, i) => {
    const [start = 0, end = 0] = [of.starts[i], of.starts[i + 1]];
    const own = ranges.get(ownerOf(path));
    const last = own?.at(-1);
    if (last && last[1] === start) last[1] = end;
    else own?.push([start, end]);
  });
  return new Map([...ranges].map(([dir, own]): [string, Slice] => [dir, { ranges: own, key: sliceKey(raw, own) }]));
}

type Parts = Readonly<{ root: string; folder: string; memory: Memory; dirty: Dirty; raw?: Buffer }>;

function assemble({ root, folder, memory, dirty, raw }: Parts): Workspace {
  const ownerOf = owners(memory.projects.map((p) => p.dir));
  const touched = shareOut(dirty, ownerOf);
  const files = new Map<string, readonly FileEntry[]>();
  const indexOf = (dir: string) => {
    const slice = raw
      ? Buffer.concat(rangesOf(memory, dir).map(([a, b]) => raw.subarray(a, b)))
      : sliceOf(folder, memory, dir);
    if (!slice) throw new Problem("the remembered listing was altered while it was read", "Run the command again");
    return parseEntries(slice);
  };
  const filesOf = (dir: string) => {
    const known = files.get(dir);
    if (known) return known;
    const made = withDirty(indexOf(dir), touched.get(dir) ?? []);
    files.set(dir, made);
    return made;
  };
  const leftOut = textsLeftOut(root, memory.hidden, ownerOf);
  const byPath = new Map<string, Map<string, Content>>();
  const contentOf = (path: string) => {
    const dir = ownerOf(path);
    const known = byPath.get(dir) ?? new Map(filesOf(dir).map((f) => [f.path, f.content]));
    byPath.set(dir, known);
    return known.get(path);
  };
  const tracked = new Map<string, ReadonlySet<string>>();
  const isTracked = (path: string) => {
    if (!dirty.has(path)) return contentOf(path) !== undefined;
    const dir = ownerOf(path);
    const known = tracked.get(dir) ?? new Set(indexOf(dir).map((f) => f.path));
    tracked.set(dir, known);
    return known.has(path);
  };
  return {
    root,
    shape: memory.shape,
    projects: memory.projects,
    projectsKey: memory.projectsKey,
    dirty,
    hidden: memory.hidden,
    ownerOf,
    filesOf,
    contentOf,
    isTracked,
    sourceKeyOf: (dir) => (touched.has(dir) ? sourceKey(filesOf(dir)) : (memory.slices.get(dir)?.key ?? "")),
    read: (path) => textAt(root, path) ?? leftOut(path),
  };
}

function refuseTwins(projects: readonly Project[]): void {
  const seen = new Map<string, string>();
  for (const { name, dir } of projects) {
    const other = seen.get(name);
    if (other !== undefined && dir !== "" && other !== "")
      throw new Problem(
        `two projects are called ${name}: ${other} and ${dir}`,
        "Rename one of them in its package.json",
      );
    seen.set(name, dir);
  }
}

function withHidden(root: string, dirty: Dirty, hidden: readonly FileEntry[]): Dirty {
  if (hidden.length === 0) return dirty;
  const all = new Map(dirty);
  for (const { path } of hidden) {
    const content = contentAt(root, path); // a sparse checkout's absent file counts as git has it
    if (content) all.set(path, content);
  }
  return all;
}

function overlayOf(dirty: Dirty): Record<string, Content | null> {
  const own = [...dirty].filter(([path, content]) => shapesGraph(path) || content?.startsWith("160000"));
  return Object.fromEntries(own.map(([path, content]) => [path, content ?? null]));
}

function applied(shapes: Readonly<Record<string, Content>>, overlay: Memory["overlay"]): Map<string, Content> {
  const all = new Map(Object.entries(shapes));
  for (const [path, content] of Object.entries(overlay)) {
    if (content === null) all.delete(path);
    else all.set(path, content);
  }
  return all;
}

function sameRecord(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => a[k] === b[k]);
}

function remember(folder: string, memory: Memory, raw: Buffer): void {
  const temporary = join(folder, `files.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, raw);
    renameSync(temporary, join(folder, "files"));
  } catch {
    return; // read-only or full: it is only slower next time
  }
  writeMemory(folder, memory);
}

function readListing(folder: string): Buffer | undefined {
  try {
    return readFileSync(join(folder, "files"));
  } catch {
    return undefined;
  }
}

function rangesOf(memory: Memory, dir: string): readonly Range[] {
  return memory.slices.get(dir)?.ranges ?? [];
}

/** A project's part of the remembered listing, checked against its key. */
function sliceOf(folder: string, memory: Memory, dir: string): Buffer | undefined {
  const ranges = rangesOf(memory, dir);
  let file: number;
  try {
    file = openSync(join(folder, "files"), "r");
  } catch {
    return undefined;
  }
  try {
    const parts = ranges.map(([start, end]) => {
      const part = Buffer.alloc(end - start);
      readSync(file, part, 0, part.length, start);
      return part;
    });
    const slice = Buffer.concat(parts);
    return sliceKey(slice, [[0, slice.length]]) === memory.slices.get(dir)?.key ? slice : undefined;
  } finally {
    closeSync(file);
  }
}

function textAt(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

function defined(files: { [K in keyof ProjectFiles]: ProjectFiles[K] | undefined }): ProjectFiles {
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined));
}
