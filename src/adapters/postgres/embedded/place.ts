// Where the embedded server lives and as whom. PostgreSQL refuses to run as root, so root lends it to "nobody", who must
// then be able to reach the binaries and the data.
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";

export interface Place {
  /** What only we read: the password, the port, the server's log. */
  readonly own: string;
  /** The cluster itself, and what must be reachable for the server's user. */
  readonly cluster: string;
  readonly native: string;
  readonly links: string;
  /** Set when we are root: the user that the server runs as. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

/** Everything is under `<data>/postgres`, except for root when "nobody" cannot get there: then under /var/lib/sluice. */
export function place(dataFolder: string, native: string): Place {
  const own = join(resolve(dataFolder), "postgres");
  mkdirSync(own, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return { own, cluster: join(own, "data"), native, links: join(own, "lib") };
  const as = nobody();
  for (const folder of [...temporaryParents(resolve(dataFolder)), resolve(dataFolder), own]) openForPassage(folder);
  const root = isReachable(own) ? own : elsewhere(own);
  return { own, cluster: join(root, "data"), native: reachableCopy(native, root), links: join(root, "lib"), as };
}

function nobody(): { uid: number; gid: number } {
  const line = readFileSync("/etc/passwd", "utf8").match(/^nobody:[^:]*:(\d+):(\d+):/m);
  return { uid: Number(line?.[1] ?? 65534), gid: Number(line?.[2] ?? 65534) };
}

/** A data folder inside a temporary one stays whole there, to be removed with it. */
function temporaryParents(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent.startsWith(resolve(tmpdir()) + sep) ? [parent, ...temporaryParents(parent)] : [];
}

/** Others may pass through our folders, not look into them: what is private has a mode of its own. */
function openForPassage(folder: string): void {
  const { mode, uid } = statSync(folder);
  if (uid === 0 && (mode & 0o001) === 0) chmodSync(folder, (mode & 0o777) | 0o011);
}

/** Whether every folder from the root down to this one may be passed by anyone. */
function isReachable(path: string): boolean {
  const passes = (statSync(path).mode & 0o001) !== 0;
  return passes && (dirname(path) === path || isReachable(dirname(path)));
}

/** A name of its own for each data folder that ever was: one made anew at the same path gets a new cluster. */
function elsewhere(own: string): string {
  const file = join(own, "elsewhere");
  if (!existsSync(file)) writeFileSync(file, join("/var/lib/sluice", randomUUID()), { mode: 0o600, flush: true });
  const folder = readFileSync(file, "utf8");
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
}

/** The binaries as they are, or a copy (60 MB, once for each version) when node_modules lies where nobody may go. */
function reachableCopy(native: string, root: string): string {
  if (isReachable(native)) return native;
  const { version } = JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8"));
  const copy = join(root, `binaries-${version}`, "native");
  if (existsSync(copy)) return copy;
  const beside = `${copy}.${process.pid}`;
  cpSync(native, beside, { recursive: true });
  renameSync(beside, copy);
  return copy;
}

/** Gives a file or folder to the server's user, when that is not us. */
export function giveTo(place: Place, path: string): void {
  if (place.as !== undefined) chownSync(path, place.as.uid, place.as.gid);
}
