// Lays one layer of an image over what is below it (OCI image spec, layer.md): files, links, owners, whiteouts. A layer is
// somebody else's: no name and no link in it leads out of the root. Devices are left out; a runtime gives its own.
import { chmod, chown, lchown, link, lstat, mkdir, open, readdir, readlink, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { TarEntry } from "./tar-stream.ts";

const whiteout = ".wh.";
const opaque = ".wh..wh..opq";
const linksMax = 40;

export async function applyLayer(root: string, entries: AsyncIterable<TarEntry>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const written = new Set<string>();
  for await (const entry of entries) {
    const path = clean(entry.path);
    const name = basename(path);
    const parent = path === "" ? root : await folderAt(root, dirname(path));
    const at = join(parent, name);
    if (name === opaque) await empty(parent, written);
    else if (name.startsWith(whiteout))
      await rm(join(parent, name.slice(whiteout.length)), { recursive: true, force: true });
    else if (await make(entry, { root, at })) {
      written.add(at);
      await own(entry, at, isRoot);
    }
  }
}

/** False for what is left out. */
async function make(entry: TarEntry, { root, at }: { root: string; at: string }): Promise<boolean> {
  const present = await lstat(at).catch(() => undefined);
  if (entry.type === "other") return false;
  if (entry.type === "folder") {
    if (present?.isDirectory()) return true;
    if (present !== undefined) await rm(at);
    await mkdir(at);
    return true;
  }
  if (present !== undefined) await rm(at, { recursive: true });
  if (entry.type === "symlink") await symlink(entry.link, at);
  else if (entry.type === "hardlink") {
    const target = clean(entry.link);
    await link(join(await folderAt(root, dirname(target)), basename(target)), at);
  } else {
    const file = await open(at, "wx", 0o600);
    try {
      for await (const part of entry.body) await file.write(part);
    } finally {
      await file.close();
    }
  }
  return true;
}

async function own({ type, uid, gid, mode }: TarEntry, at: string, isRoot: boolean): Promise<void> {
  if (type === "hardlink") return;
  if (type === "symlink") return isRoot ? lchown(at, uid, gid) : undefined;
  if (isRoot) await chown(at, uid, gid);
  await chmod(at, mode);
}

/** What lower layers had in the folder goes; what this one brought stays. */
async function empty(folder: string, written: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    const at = join(folder, name);
    const isOurs = [...written].some((path) => path === at || path.startsWith(`${at}/`));
    if (!isOurs) await rm(at, { recursive: true, force: true });
  }
}

/** The folder under this name as a process inside would find it: links are followed, and never out of the root. */
async function folderAt(root: string, path: string): Promise<string> {
  const left = path.split("/").filter((part) => part !== "" && part !== ".");
  let at = root;
  for (let links = 0; left.length > 0; ) {
    const part = left.shift() ?? "";
    if (part === "..") {
      if (at !== root) at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const found = await lstat(next).catch(() => undefined);
    if (found?.isSymbolicLink()) {
      if (++links > linksMax) throw new Problem(`the image has a circle of links at ${path}`, "Build it again");
      const target = await readlink(next);
      if (target.startsWith("/")) at = root;
      left.unshift(...target.split("/").filter((one) => one !== "" && one !== "."));
      continue;
    }
    if (found === undefined) await mkdir(next, { mode: 0o755 });
    else if (!found.isDirectory()) {
      await rm(next);
      await mkdir(next, { mode: 0o755 });
    }
    at = next;
  }
  return at;
}

function clean(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .join("/");
}
