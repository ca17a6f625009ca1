// The shared cache's entries on disk: `<folder>/<shelf>/<first two digits>/<key>`, one file each, a line of JSON before the
// bytes. Written beside and renamed, so an entry is whole or not there; the longest unused go when there is too much.
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";

export interface ShelfHead {
  readonly durationMs?: number;
  readonly tag?: string;
}

export interface ShelfEntry extends ShelfHead {
  readonly bytes: number;
  body(): ReadableStream<Uint8Array>;
}

const headMaxBytes = 4096;
const sweepEveryMs = 60_000;

export function openShelves(folder: string, bytesKept = 10 * 2 ** 30) {
  let writes = 0;
  let sweptAt = 0;
  const fileOf = (shelf: string, key: string) => join(folder, shelf, key.slice(0, 2), key);
  return {
    read: (shelf: string, key: string) => readEntry(fileOf(shelf, key)),
    write: async (
      shelf: string,
      key: string,
      { body, ...head }: ShelfHead & { readonly body: ReadableStream<Uint8Array> },
      bytesMax: number,
    ) => {
      const file = fileOf(shelf, key);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const beside = `${file}.${process.pid}-${++writes}.new`;
      try {
        const out = createWriteStream(beside, { mode: 0o600 });
        out.write(`${JSON.stringify(head)}\n`);
        await pipeline(Readable.fromWeb(body as NodeReadableStream), atMost(bytesMax), out);
        // What is there stays, but for one that was signed otherwise: else a new signing key would mean misses for ever.
        const there = await readEntry(file);
        if (there && there.tag === head.tag) rmSync(beside);
        else renameSync(beside, file);
      } catch (error) {
        rmSync(beside, { force: true });
        throw error;
      }
      if (Date.now() - sweptAt < sweepEveryMs) return;
      sweptAt = Date.now();
      await sweep(folder, bytesKept);
    },
  };
}

async function readEntry(file: string): Promise<ShelfEntry | undefined> {
  const handle = await open(file, "r").catch(() => undefined); // not there: a miss
  if (handle === undefined) return undefined;
  try {
    const start = Buffer.alloc(headMaxBytes);
    const { bytesRead } = await handle.read(start, 0, headMaxBytes, 0);
    const end = start.subarray(0, bytesRead).indexOf(0x0a);
    if (end < 0) return undefined;
    const head: ShelfHead = JSON.parse(start.toString("utf8", 0, end));
    const { size } = await handle.stat();
    const now = new Date();
    utimesSync(file, now, now);
    const body = () => Readable.toWeb(createReadStream(file, { start: end + 1 })) as ReadableStream<Uint8Array>;
    return { ...head, bytes: size - end - 1, body };
  } finally {
    await handle.close();
  }
}

function atMost(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > bytesMax ? new RangeError(`more than ${bytesMax} bytes`) : null, chunk);
    },
  });
}

/** Removes what was not used for longest until no more than `bytesKept` are left, and what a crash left half-written. */
async function sweep(folder: string, bytesKept: number): Promise<void> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const file = join(entry.parentPath, entry.name);
      const found = statSync(file, { throwIfNoEntry: false });
      return found === undefined ? [] : [{ file, bytes: found.size, usedAt: found.mtimeMs }];
    })
    .sort((a, b) => b.usedAt - a.usedAt);
  let kept = 0;
  for (const { file, bytes, usedAt } of files) {
    kept += bytes;
    const isLeft = file.endsWith(".new") && usedAt < Date.now() - 3_600_000;
    if (isLeft || kept > bytesKept) rmSync(file, { force: true });
  }
}
