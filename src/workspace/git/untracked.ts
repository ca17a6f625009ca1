// Untracked files, without a walk by git where nothing can have appeared: a new entry shows in its directory's time. Once
// git has found none, the times of all directories with tracked files are kept; while they, git's index and everything
// that says what is ignored stay as they are, there are still none.
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, posix, resolve } from "node:path";
import { readSealed, stateFolder, writeSealed } from "../cache/sealed-file.ts";
import { readNumbers, withNumbers } from "../packed.ts";
import { git, splitNul } from "./git.ts";
import { gitFolder, indexStamp } from "./git-folder.ts";

const form = "untracked 1";
/** Places are directories and ignore files; none until the same index is met again: a single look is not worth it. */
type Memory = Readonly<{ stamp: string; places: readonly string[]; timesMs: Float64Array }>;

/** As git lists them; a path that ends in a slash is a repository of its own. */
export async function listUntracked(root: string): Promise<readonly string[] | undefined> {
  const file = join(stateFolder(root), "graph", "untracked");
  const stamp = stampOf(root);
  const old = stamp === undefined ? undefined : remembered(file);
  const memory = old?.stamp === stamp ? old : undefined;
  const isKnown = memory !== undefined && memory.places.length > 0;
  const places = isKnown ? memory.places : memory ? await placesOf(root) : [];
  const timesMs = Float64Array.from(places, (path) => changedAtMs(root, path)); // before git looks
  const moved = isKnown ? places.filter((_, i) => timesMs[i] !== memory.timesMs[i]) : places;
  if (isKnown && moved.length === 0) return [];
  const within = isKnown && moved.length <= 100 && moved.every(isInnerFolder) ? moved : [];
  const found = await git(root, ["ls-files", "-z", "-o", "--exclude-standard", ...literally(within)]);
  if (!found.ok) return undefined;
  const paths = splitNul(found.out.toString());
  if (stamp === undefined) return paths;
  const isSettled = timesMs.every((t) => t < Date.now() - 2000); // a clock's tick is far shorter
  const isKept = paths.length === 0 && isSettled && places.length > 0 && (await isClosed(root, places, within));
  if (isKept) remember(file, { stamp, places, timesMs });
  else if (!memory) remember(file, { stamp, places: [], timesMs: new Float64Array() });
  return paths;
}

/** Only its own entries came or went; the root's may be ignore files, and these speak of everything. */
function isInnerFolder(place: string): boolean {
  return place !== "." && !place.startsWith("/") && !place.endsWith(".gitignore");
}

function literally(paths: readonly string[]): readonly string[] {
  return paths.length > 0 ? ["--", ...paths.map((path) => `:(literal)${path}`)] : [];
}

function remembered(file: string): Memory | undefined {
  const body = readSealed(file, form);
  if (!body) return undefined;
  const { head, lines, numbers } = readNumbers<{ stamp: string }>(body);
  return { stamp: head.stamp, places: lines, timesMs: numbers };
}

function remember(file: string, { stamp, places, timesMs }: Memory): void {
  writeSealed(file, form, withNumbers({ stamp }, places, timesMs));
}

function stampOf(root: string): string | undefined {
  const found = gitFolder(root);
  return found && indexStamp(found.folder);
}

function changedAtMs(root: string, path: string): number {
  return lstatSync(path.startsWith("/") ? path : `${root}/${path}`, { throwIfNoEntry: false })?.ctimeMs ?? 0;
}

/** Every directory with something tracked in it, and every file that says what is ignored. */
async function placesOf(root: string): Promise<readonly string[]> {
  const places = new Set<string>(["."]);
  for (const path of splitNul((await git(root, ["ls-files", "-z"])).out.toString())) {
    if (path.endsWith(".gitignore")) places.add(path);
    for (let dir = posix.dirname(path); !places.has(dir); dir = posix.dirname(dir)) places.add(dir);
  }
  const found = gitFolder(root);
  if (!found) return [];
  const settings = [join(found.folder, "config"), join(homedir(), ".gitconfig"), join(homedir(), ".config/git/config")];
  if (settings.some((file) => /excludesfile/i.test(textOf(file)))) return [];
  const above: string[] = [];
  for (let at = resolve(root); at !== found.top && dirname(at) !== at; at = dirname(at))
    above.push(join(dirname(at), ".gitignore"));
  return [...places, ...settings, join(found.folder, "info/exclude"), join(homedir(), ".config/git/ignore"), ...above];
}

/**
 * True when every directory that is not tracked is ignored: in one that is not, a file could appear unseen. `git status`
 * is asked because it alone tells a directory that is ignored from one whose files are, and `check-ignore` takes 1 ms each.
 */
async function isClosed(root: string, places: readonly string[], within: readonly string[]): Promise<boolean> {
  const tracked = new Set(places);
  const others = (within.length > 0 ? within : places).flatMap((dir) =>
    foldersIn(join(root, dir)).flatMap((name) => {
      const path = dir === "." ? name : `${dir}/${name}`;
      return tracked.has(path) || path === ".git" || path === ".sluice" ? [] : [path];
    }),
  );
  if (others.length === 0) return true;
  const look = ["--porcelain=v1", "-z", "-unormal", "--ignored=matching", "--ignore-submodules=all", "--no-renames"];
  const { ok, out } = await git(root, ["status", ...look, ...literally(within)]);
  const ignored = new Set(splitNul(out.toString()).filter((line) => line.startsWith("!! ")));
  const above = posix.relative(gitFolder(root)?.top ?? root, resolve(root)); // it names paths from the repository's top
  return ok && others.every((path) => ignored.has(`!! ${posix.join(above, path)}/`));
}

function foldersIn(dir: string): readonly string[] {
  if (dir.endsWith(".gitignore")) return [];
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
