// The repository as it was at the base: the working tree with the changes taken back. Only files that shape the graph,
// the lock file and root files are read from git; everything else is a content hash that the diff already named.

import { projectDirs, readWholeShape, shapesGraph } from "../graph/layout.ts";
import { type Project, readProject } from "../graph/manifest.ts";
import type { Workspace } from "../graph/workspace.ts";
import { parseJsonc } from "../jsonc.ts";
import { textsOf } from "./blobs.ts";
import { type FileEntry, owners, sourceKey, withDirty } from "./listing.ts";
import type { Content, FileChange } from "./worktree.ts";

/** Takes the changes back. */
export async function baseOf(head: Workspace, changes: readonly FileChange[]): Promise<Workspace> {
  const before = new Map(changes.map((c) => [c.path, c.before]));
  const isRoot = (path: string) => shapesGraph(path) || head.ownerOf(path) === "";
  const old = changes.flatMap(({ path, before }) => (before && isRoot(path) ? [{ path, content: before }] : []));
  const texts = readable(await textsOf(head.root, old));
  const read = (path: string) => (before.has(path) ? texts.get(path) : head.read(path));
  const isReshaped = changes.some((c) => shapesGraph(c.path));
  const { shape, projects } = isReshaped ? await projectsBefore(head, before, read) : head;
  const ownerOf = isReshaped ? owners(projects.map((p) => p.dir)) : head.ownerOf;
  const taken = new Map<string, [string, Content | undefined][]>();
  for (const { path, before: content } of changes) {
    const dir = ownerOf(path);
    taken.set(dir, [...(taken.get(dir) ?? []), [path, content]]);
  }
  const isSame = (dir: string) => !taken.has(dir) && (!isReshaped || head.projects.some((p) => p.dir === dir));
  const files = new Map<string, readonly FileEntry[]>();
  const filesOf = (dir: string) => {
    const known = files.get(dir);
    if (known) return known;
    // A project that is gone has left its files to whoever held the directory: the changes name them all.
    const made = isSame(dir) ? head.filesOf(dir) : withDirty(heldBy(head, dir, ownerOf), taken.get(dir) ?? []);
    files.set(dir, made);
    return made;
  };
  const contentOf = (path: string) => (before.has(path) ? before.get(path) : head.contentOf(path));
  return {
    ...head,
    shape,
    projects,
    ownerOf,
    read,
    filesOf,
    contentOf,
    isTracked: (path) => contentOf(path) !== undefined,
    sourceKeyOf: (dir) => (isSame(dir) ? head.sourceKeyOf(dir) : sourceKey(filesOf(dir))),
  };
}

/** A manifest that was broken then said nothing: it is mended now, and all that it says is new. */
function readable(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const isBroken = (path: string, text: string) => {
    try {
      if (shapesGraph(path) && /\.jsonc?$/.test(path)) parseJsonc(text, path);
      return false;
    } catch {
      return true;
    }
  };
  return new Map([...texts].map(([path, text]) => [path, isBroken(path, text) ? "{}" : text]));
}

function heldBy(head: Workspace, dir: string, ownerOf: (path: string) => string): readonly FileEntry[] {
  const own = head.projects.some((p) => p.dir === dir) ? head.filesOf(dir) : head.filesOf(head.ownerOf(`${dir}/x`));
  return own.filter((f) => ownerOf(f.path) === dir);
}

type Before = ReadonlyMap<string, Content | undefined>;

async function projectsBefore(head: Workspace, before: Before, read: (path: string) => string | undefined) {
  const has = (path: string) =>
    before.has(path) ? before.get(path) !== undefined : head.contentOf(path) !== undefined;
  const shape = await readWholeShape(head.root, (path) => (has(path) ? read(path) : undefined));
  const shaping = [...before]
    .filter(([path, content]) => content !== undefined && shapesGraph(path))
    .map(([path]) => path);
  const kept = head.projects.flatMap((p) =>
    head.filesOf(p.dir).flatMap(({ path, content }) => {
      if (content.startsWith("160000") && has(path)) return `${path}/package.json`; // a submodule that is a project
      return shapesGraph(path) && has(path) ? path : [];
    }),
  );
  const dirs = projectDirs(shape, new Set([...kept, ...shaping]));
  const now = new Map(shape.isNx === head.shape.isNx ? head.projects.map((p) => [p.dir, p]) : []);
  const projects: Project[] = dirs.map((dir) => {
    const at = (file: string) => (dir ? `${dir}/${file}` : file);
    const files = [at("package.json"), at("project.json"), at("turbo.json")] as const;
    const same = now.get(dir);
    if (same && files.every((f) => !before.has(f))) return same;
    const [manifest, nx, turbo] = files.map((f) => (has(f) ? read(f) : undefined));
    return readProject(dir, {
      ...(manifest === undefined ? {} : { manifest }),
      isNx: shape.isNx,
      ...(nx === undefined || !shape.isNx ? {} : { nx }),
      ...(turbo === undefined || dir === "" ? {} : { turbo }),
    });
  });
  return { shape, projects };
}
