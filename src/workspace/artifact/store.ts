// Artifacts by the hash of their content, each a folder `<data>/artifacts/<sha256>/` with the packed files and a
// manifest. Written beside and renamed into place, so several runs at once and a crash midway do no harm; what is read
// is held against its hash, so a damaged artifact is never started.
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, realpath, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { Problem } from "../../domain/problem.ts";
import type { Sha256 } from "../../domain/release.ts";
import { type TarFile, tarEnd, tarEntry, tarFiles } from "./tar.ts";

export interface Manifest {
  readonly artifact: Sha256;
  readonly service: string;
  readonly commit?: string;
  /** Hash over the sources that it was built from. */
  readonly inputs: Sha256;
  /** Hash over the service's part of the configuration that says how it is built. */
  readonly config: Sha256;
  readonly files: number;
  readonly bytes: number;
}

export type Origin = Pick<Manifest, "service" | "commit" | "inputs" | "config">;

// What must stay free beside an artifact: a full disk also stops the database.
const spareBytes = 256 * 2 ** 20;
const sizeMax = 2 ** 30;

/** Packs a folder and keeps it; the same content is kept once. */
export async function storeFolder(data: string, folder: string, origin: Origin): Promise<Manifest> {
  const files = await filesOf(folder);
  const tar = Buffer.concat([...files.map(tarEntry), tarEnd]);
  const artifact = createHash("sha256").update(tar).digest("hex");
  const manifest: Manifest = { artifact, ...origin, files: files.length, bytes: tar.length };
  if (!existsSync(manifestFile(data, artifact))) await keep(data, { manifest, packed: await promisify(gzip)(tar) });
  return manifest;
}

/** The packed artifact, to be sent where it is lacking. */
export async function packedArtifact(data: string, artifact: Sha256): Promise<Buffer> {
  await unpacked(data, artifact);
  return await readFile(packedFile(data, artifact));
}

/** Takes in what another machine packed, after holding it against its hash. */
export async function storePacked(data: string, packed: Buffer, manifest: Manifest): Promise<void> {
  const tar = await promisify(gunzip)(packed, { maxOutputLength: sizeMax }).catch(() => Buffer.alloc(0));
  if (createHash("sha256").update(tar).digest("hex") !== manifest.artifact) {
    throw new Problem(
      `The artifact of ${manifest.service} arrived damaged: its content does not have the hash ${manifest.artifact.slice(0, 12)}`,
      "Send it again",
    );
  }
  if (!existsSync(manifestFile(data, manifest.artifact))) await keep(data, { manifest, packed });
}

export async function hasArtifact(data: string, artifact: Sha256): Promise<boolean> {
  return existsSync(manifestFile(data, artifact));
}

/** Lays the artifact's files out in `folder`, which must not exist yet; all of them or none. */
export async function unpackArtifact(data: string, artifact: Sha256, folder: string): Promise<void> {
  const tar = await unpacked(data, artifact);
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  await needSpace(dirname(folder), tar.length);
  const beside = `${folder}.${randomBytes(6).toString("hex")}`;
  try {
    for (const file of tarFiles(tar)) await layOut(beside, file);
    await openToAll(beside);
    await rename(beside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function layOut(root: string, { path, body, isExecutable }: TarFile): Promise<void> {
  const file = resolve(root, path);
  if (!file.startsWith(root + sep))
    throw new Problem(`The artifact holds a file outside of itself: ${path}`, "Build it again");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, body);
  await chmod(file, isExecutable ? 0o755 : 0o644);
}

/** Whatever our umask: a service may run as another user. Who may come here is decided above. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openToAll(join(folder, entry.name));
  }
}

/** The tar, held against the hash that the artifact is named by. */
async function unpacked(data: string, artifact: Sha256): Promise<Buffer> {
  const packed = await readFile(packedFile(data, artifact)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Problem(
      `Artifact ${artifact.slice(0, 12)} is not in ${join(data, "artifacts")}`,
      "Build the release again",
    );
  });
  const tar = await promisify(gunzip)(packed, { maxOutputLength: sizeMax }).catch(() => undefined);
  if (tar !== undefined && createHash("sha256").update(tar).digest("hex") === artifact) return tar;
  throw new Problem(
    `Artifact ${artifact.slice(0, 12)} is damaged: its content no longer has the hash that it is named by`,
    `Remove ${folderOf(data, artifact)} and build the release again`,
  );
}

async function keep(data: string, { manifest, packed }: { manifest: Manifest; packed: Buffer }): Promise<void> {
  const folder = folderOf(data, manifest.artifact);
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  await needSpace(dirname(folder), packed.length);
  const beside = `${folder}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(beside);
    await writeFile(join(beside, "artifact.tar.gz"), packed, { flush: true });
    await writeFile(join(beside, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
    await rename(beside, folder);
  } catch (error) {
    // Another run kept the same content first.
    if (!existsSync(manifestFile(data, manifest.artifact))) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Throws a Problem when so much more would leave the disk too full. */
export async function needSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + spareBytes) return;
  throw new Problem(
    `${folder} has ${mebibytes(free)} free, and an artifact of ${mebibytes(bytes)} needs ${mebibytes(bytes + spareBytes)} with the spare room of the database`,
    "Make room there, or set SLUICE_DATA to a folder on a larger disk",
  );
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** Regular files below a folder in byte order of their paths; links are followed while they stay inside. */
async function filesOf(root: string): Promise<readonly TarFile[]> {
  const inside = await realpath(root);
  const names = await readdir(inside, { recursive: true, encoding: "utf8" });
  const files: TarFile[] = [];
  for (const name of names) {
    const real = await realpath(join(inside, name));
    if (real !== inside && !real.startsWith(inside + sep)) {
      throw new Problem(`${join(root, name)} is a link to a place outside of ${root}`, "Let the build copy the file");
    }
    const { mode, isFile } = await stat(real).then((found) => ({ mode: found.mode, isFile: found.isFile() }));
    if (!isFile) continue;
    files.push({
      path: relative(inside, join(inside, name)).split(sep).join("/"),
      body: await readFile(real),
      isExecutable: (mode & 0o100) !== 0,
    });
  }
  return files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

function folderOf(data: string, artifact: Sha256): string {
  return join(data, "artifacts", artifact);
}

function manifestFile(data: string, artifact: Sha256): string {
  return join(folderOf(data, artifact), "manifest.json");
}

function packedFile(data: string, artifact: Sha256): string {
  return join(folderOf(data, artifact), "artifact.tar.gz");
}
