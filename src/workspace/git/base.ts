// The repository as it was at the base: the working tree with the changes taken back. Only files that shape the graph,
// the lock file and root files are read from git; everything else is a content hash that the diff already named.

import { projectDirs, readWholeShape, shapesGraph } from "../graph/layout.ts";
import { type Project, readProject } from "../graph/manifest.ts";
import type { Workspace } from "../graph/workspace.ts";
import { git } from "./git.ts";
import { type FileEntry, owners, sourceKey, withDirty } from "./listing.ts";
import { type Content, type FileChange, must } from "./worktree.ts";

/** Takes the changes back. */
export async function baseOf(head: Workspace, changes: readonly FileChange[]): Promise<Workspace> {
  const before = new Map(changes.map((c) => [c.path, c.before]));
  const isRoot = (path: string) => shapesGraph(path) || head.ownerOf(path) === "";
  const texts = await blobs(
    head.root,
    changes.filter((c) => c.before && isRoot(c.path)),
  );
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
  const kept = head.projects
    .flatMap((p) => head.filesOf(p.dir).map((f) => f.path))
    .filter((p) => shapesGraph(p) && has(p));
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

/** The old texts of files, from one git process. */
async function blobs(root: string, changes: readonly FileChange[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  const wanted = changes.flatMap((c) => (c.before?.startsWith("100") ? [{ path: c.path, id: c.before.slice(7) }] : []));
  if (wanted.length === 0) return texts;
  const out = must(await git(root, ["cat-file", "--batch"], wanted.map((w) => `${w.id}\n`).join("")));
  let at = 0;
  for (const { path } of wanted) {
    const end = out.indexOf(10, at);
    const size = Number(/ blob (\d+)$/.exec(out.toString("latin1", at, end))?.[1]);
    if (Number.isNaN(size)) {
      at = end + 1;
      continue;
    }
    texts.set(path, out.toString("utf8", end + 1, end + 1 + size));
    at = end + 2 + size;
  }
  return texts;
}
