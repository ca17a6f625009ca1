// An artifact on its way here: what has arrived of its packed bytes, kept in a file, so that a broken connection, a killed
// sender or a killed server cost no more than what was on the line. It counts as here only when it is whole and has both
// hashes. An upload is named by the packed bytes, too: two machines may pack the same content differently.
import { createHash } from "node:crypto";
import { constants, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import type { Sha256 } from "../../domain/release.ts";
import { type Manifest, needSpace, storePacked } from "./store.ts";

export interface Upload {
  readonly artifact: Sha256;
  /** Hash of the packed bytes. */
  readonly packed: Sha256;
}

const packedBytesMax = 512 * 2 ** 20;
const keptMs = 7 * 24 * 3_600_000;

export async function arrivedBytes(data: string, upload: Upload): Promise<number> {
  return await stat(partFile(data, upload)).then(({ size }) => size, nothingYet);
}

/**
 * Takes bytes that begin at `from`, and answers how many are here now. What would leave a hole is not taken: the sender
 * goes on from the answer. Two senders of the same bytes do no harm, they write the same.
 */
export async function takeBytes(
  data: string,
  upload: Upload,
  { from, body }: { readonly from: number; readonly body: AsyncIterable<Uint8Array> },
): Promise<number> {
  if (from > (await arrivedBytes(data, upload))) return await arrivedBytes(data, upload);
  await mkdir(uploads(data), { recursive: true, mode: 0o700 });
  if (from === 0) await forgetOld(data);
  // Not cut, not only appended to: another sender may be at it.
  const file = await open(partFile(data, upload), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    let at = from;
    for await (const part of body) {
      if (at + part.length > packedBytesMax) throw tooLarge();
      await needSpace(uploads(data), part.length);
      await file.write(part, 0, part.length, at);
      at += part.length;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  return await arrivedBytes(data, upload);
}

/** Keeps the artifact when what arrived is all of it; else it is thrown away, and sending begins anew. */
export async function finishUpload(data: string, upload: Upload, manifest: Manifest): Promise<void> {
  const file = partFile(data, upload);
  const bytes = await readFile(file).catch(() => Buffer.alloc(0));
  try {
    if (createHash("sha256").update(bytes).digest("hex") !== upload.packed || manifest.artifact !== upload.artifact) {
      throw new Problem(`The artifact of ${manifest.service} did not arrive as it was sent`, "Send it again");
    }
    await storePacked(data, bytes, manifest);
  } finally {
    await rm(file, { force: true });
  }
}

async function forgetOld(data: string): Promise<void> {
  for (const name of await readdir(uploads(data))) {
    const file = join(uploads(data), name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > keptMs) await rm(file, { force: true });
  }
}

function uploads(data: string): string {
  return join(data, "uploads");
}

function partFile(data: string, { artifact, packed }: Upload): string {
  return join(uploads(data), `${artifact.slice(0, 32)}.${packed}`);
}

function nothingYet(error: NodeJS.ErrnoException): number {
  if (error.code === "ENOENT") return 0;
  throw error;
}

function tooLarge(): Problem {
  return new Problem(
    "The packed artifact is larger than 512 MiB",
    "Leave out of the build what the service does not need",
  );
}
