// What the working tree holds, by asking git: a listing with a content hash for every clean file, and the few that differ.
// A path's content is one string, `mode oid`; the same content has the same string whether it is committed, staged or not.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { throughFilters } from "./filters.ts";
import { type GitAnswer, git, noGit, splitNul } from "./git.ts";
import { gitFolder, indexStamp } from "./git-folder.ts";
import { listUntracked } from "./untracked.ts";

export type Content = string;
/** Where the working tree differs from git's index; undefined: the file is gone. */
export type Dirty = ReadonlyMap<string, Content | undefined>;

export type Look = Readonly<{
  /** The index's checksum, or undefined where it has none: then the listing must be asked for. */
  stamp: string | undefined;
  dirty: Dirty;
}>;

/** Two git processes look at the tree side by side; `against` compares with the merge base of a commit instead. */
export async function lookAtTree(root: string): Promise<Look> {
  const folder = folderOf(root);
  const tracked = git(root, ["diff-files", "-z", "--relative", "--ignore-submodules=none"]);
  const untracked = untrackedFiles(root);
  untracked.catch(() => {}); // reported where it is awaited
  const stamp = indexStamp(folder);
  const dirty = new Map<string, Content | undefined>();
  for (const { path, before, after } of await contentOf(root, parseRaw(must(await tracked))))
    if (before !== after) dirty.set(path, after);
  for (const path of await untracked) dirty.set(path, contentAt(root, path));
  return { stamp, dirty };
}

export function folderOf(root: string): string {
  const found = gitFolder(root);
  if (found) return found.folder;
  throw new Problem(`${root} is not in a git repository`, "Run git init there: Sluice lets git tell what changed");
}

export async function untrackedFiles(root: string): Promise<readonly string[]> {
  const found = await listUntracked(root);
  if (!found) throw new Problem(`git cannot list the files of ${root}`, "Run git ls-files -o there to see why");
  return found.flatMap((path) => (path.endsWith("/") ? walk(root, path.slice(0, -1)) : [path]));
}

/** All that git has in its index: `TAG mode oid stage\tpath`, NUL-terminated, in byte order. */
export async function listIndex(root: string): Promise<Buffer> {
  return must(await git(root, ["ls-files", "-z", "-s", "-v"]));
}

export function must(answer: GitAnswer): Buffer {
  if (answer.ok) return answer.out;
  if (answer.err === noGit) throw new Problem(noGit, "Install git: Sluice lets it tell what changed");
  throw new Problem(`git said: ${saidBy(answer)}`, "Run git status by hand to see more");
}

/** The one line that tells; git may go on with advice, and says where a directory is not trusted last of all. */
function saidBy({ err }: GitAnswer): string {
  const lines = err.trim().split("\n");
  const telling = lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? "";
  return telling.replace(/^(?:fatal|error):\s*/, "");
}

export type RawChange = Readonly<{ path: string; before: Content | undefined; oid: string; mode: string }>;
export type FileChange = Readonly<{ path: string; before: Content | undefined; after: Content | undefined }>;

/** The raw format of diff-files, diff-index and diff-tree, without renames: `:mode mode oid oid X\0path\0`. */
export function parseRaw(out: Buffer): RawChange[] {
  const parts = splitNul(out.toString());
  const changes: RawChange[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const [modeBefore = "", mode = "", oidBefore = "", oid = "", status = ""] = (parts[i] ?? "").slice(1).split(" ");
    const path = parts[i + 1] ?? "";
    if (status === "U") continue; // a conflict: listed again as what the working tree holds
    const before = modeBefore === "000000" ? undefined : `${modeBefore} ${oidBefore}`;
    changes.push({ path, before, oid, mode });
  }
  return changes;
}

/** Fills in what git left open: a null id beside a mode means "look at the file". */
export async function contentOf(root: string, changes: readonly RawChange[]): Promise<FileChange[]> {
  const looked = changes.map(({ path, before, oid, mode }) => {
    if (mode === "000000") return { path, before, after: undefined };
    const named = `${mode} ${oid}`;
    // Of a submodule with changes of its own git names the commit once more.
    if (/[^0]/.test(oid) && named !== before) return { path, before, after: named };
    const after = contentAt(root, path);
    // Where modes are not trusted (core.fileMode), git tells which one counts.
    return { path, before, after: /^100/.test(mode) && after?.startsWith("100") ? `${mode} ${after.slice(7)}` : after };
  });
  return await throughFilters(root, looked);
}

/** A file's content as git would name it, without filters; undefined when there is no file. */
export function contentAt(root: string, path: string): Content | undefined {
  const at = join(root, path);
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (!stat) return path.includes("\uFFFD") ? contentByBytes(at) : undefined;
  if (stat.isSymbolicLink()) return `120000 ${blobId(Buffer.from(readlinkSync(at)))}`;
  if (stat.isFile()) return `${stat.mode & 0o100 ? "100755" : "100644"} ${blobId(readFileSync(at))}`;
  if (stat.isDirectory() && lstatSync(join(at, ".git"), { throwIfNoEntry: false })) return submodule(root, path);
  return undefined;
}

/** Of a file whose name is no UTF-8: it is found by what its name reads as. */
function contentByBytes(path: string): Content | undefined {
  const folder = dirname(path);
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder, { encoding: "buffer" }).find((bytes) => bytes.toString() === basename(path));
  if (!name) return undefined;
  const at = Buffer.concat([Buffer.from(`${folder}/`), name]);
  const stat = lstatSync(at);
  return stat.isFile() ? `${stat.mode & 0o100 ? "100755" : "100644"} ${blobId(readFileSync(at))}` : undefined;
}

function blobId(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** A submodule with changes of its own counts by all its files. */
function submodule(root: string, path: string): Content {
  const hash = createHash("sha1");
  for (const file of walk(root, path)) hash.update(`${file}\0${contentAt(root, file) ?? ""}\0`);
  return `160000 ${hash.digest("hex")}`;
}

function walk(root: string, dir: string): string[] {
  return readdirSync(join(root, dir), { withFileTypes: true })
    .filter((entry) => entry.name !== ".git" && entry.name !== "node_modules")
    .flatMap((entry) => (entry.isDirectory() ? walk(root, `${dir}/${entry.name}`) : [`${dir}/${entry.name}`]))
    .sort();
}
