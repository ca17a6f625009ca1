// What a workspace is made of and the listing or the working tree does not have: files that a sparse checkout leaves out, and
// manifests of submodules that are projects.
import { textsNow } from "../git/blobs.ts";
import { type FileEntry, shareOut } from "../git/listing.ts";
import { type Content, contentAt } from "../git/worktree.ts";
import { once } from "../once.ts";

/** The text of a file that is left out; with all such of its project, git is asked once. */
export function textsLeftOut(
  root: string,
  hidden: readonly FileEntry[],
  ownerOf: (path: string) => string,
): (path: string) => string | undefined {
  if (hidden.length === 0) return () => undefined;
  const shares = once(() => shareOut(new Map(hidden.map((f) => [f.path, f.content])), ownerOf));
  const texts = new Map<string, ReadonlyMap<string, string>>();
  return (path) => {
    const dir = ownerOf(path);
    const entries = shares()
      .get(dir)
      ?.flatMap(([p, content]) => (content ? [{ path: p, content }] : []));
    const known = texts.get(dir) ?? (entries ? textsNow(root, entries) : new Map());
    texts.set(dir, known);
    return known.get(path);
  };
}

/** Files that shape the graph, in a submodule's working tree. */
export function shapesOfSubmodule(root: string, dir: string): Record<string, Content> {
  const paths = ["package.json", "project.json", "turbo.json"].map((file) => `${dir}/${file}`);
  const found = paths.map((path) => [path, contentAt(root, path)] as const);
  return Object.fromEntries(found.flatMap(([path, content]) => (content === undefined ? [] : [[path, content]])));
}
