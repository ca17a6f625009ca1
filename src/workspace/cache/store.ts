// The local cache: one file per key, a header that lists every output with its digest, then the log and the contents. What
// untrusted runs made lies apart (`untrusted/NAME/`), where trusted ones do not look.
// Written beside and renamed, so a reader sees all or nothing; every byte is checked before it is given out.
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { digestOf, type Output } from "../tasks/outputs.ts";
import { type Entry, isEntry } from "./entry.ts";
import { type Scope, type Shelf, trusted } from "./scope.ts";

/** An entry whose header checked out; contents are read and checked one by one. */
export type Found = Readonly<{
  entry: Entry;
  shelf: Shelf;
  log: () => Buffer;
  /** In the order of the outputs; throws Broken where the bytes are not those that were stored. */
  contents: () => Generator<readonly [Output, Buffer]>;
  close: () => void;
}>;

export class Broken extends Error {}

const magic = "sluice cache 1\n";

export type Store = Readonly<{
  folder: string;
  has: (key: string) => boolean;
  open: (key: string) => Found | undefined;
  /** False when it could not be written: a full or read-only disk is a miss next time, never a failure. */
  write: (shelf: Shelf, writing: Writing) => boolean;
  drop: (key: string) => void;
  /** A whole entry as it came from elsewhere; false when its header does not check out. */
  adopt: (key: string, bytes: Buffer, shelf: Shelf) => boolean;
  bytesOf: (key: string) => Readonly<{ bytes: Buffer; shelf: Shelf }> | undefined;
  /** What the task printed; a broken log is not worth a failure. */
  logOf: (key: string) => Buffer | undefined;
}>;

/** `reads`: the shelves on which it looks, in order. */
export function openStore(folder: string, { reads }: Pick<Scope, "reads"> = trusted): Store {
  const fileOf = (shelf: Shelf, key: string) => join(shelfIn(folder, shelf), key.slice(0, 2), key);
  const open = (key: string) => first(reads, (shelf) => openEntry(fileOf(shelf, key), key, shelf));
  return {
    folder,
    open,
    has: (key) => reads.some((shelf) => changedAtMs(fileOf(shelf, key)) !== undefined),
    write: (shelf, writing) => writeEntry(fileOf(shelf, writing.entry.key), writing),
    drop: (key) => {
      for (const shelf of reads) removeQuietly(fileOf(shelf, key));
    },
    logOf: (key) => {
      const found = open(key);
      try {
        return found?.log();
      } catch {
        return undefined;
      } finally {
        found?.close();
      }
    },
    adopt: (key, bytes, shelf) => adopt(fileOf(shelf, key), { key, bytes, shelf }),
    bytesOf: (key) =>
      first(reads, (shelf) => {
        try {
          return { bytes: readFileSync(fileOf(shelf, key)), shelf };
        } catch {
          return undefined;
        }
      }),
  };
}

export function shelfIn(folder: string, shelf: Shelf): string {
  return shelf === "trusted" ? folder : join(folder, shelf);
}

function first<T, R>(all: readonly T[], look: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = look(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function openEntry(file: string, key: string, shelf: Shelf): Found | undefined {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch {
    return undefined;
  }
  const close = () => closeSync(handle);
  try {
    const { entry, endsAt } = header(handle);
    if (entry.key !== key) throw new Broken();
    if (Date.now() - fstatSync(handle).mtimeMs > 86_400_000) touch(file);
    const log = () => checked(handle, endsAt, entry.log);
    return { entry, shelf, close, log, contents: () => contents(handle, endsAt, entry) };
  } catch {
    close();
    removeQuietly(file);
    return undefined;
  }
}

/** The header alone, for listings and comparisons. */
export function readEntry(file: string): Entry | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    return header(handle).entry;
  } catch {
    return undefined; // gone, or never whole
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** Throws where it is not what was written. */
function header(handle: number): Readonly<{ entry: Entry; endsAt: number }> {
  const { size } = fstatSync(handle);
  const lead = bytesAt(handle, 0, magic.length + 64 + 12);
  const digest = lead.toString("latin1", magic.length, magic.length + 64);
  const length = Number(lead.toString("latin1", magic.length + 64));
  if (lead.toString("latin1", 0, magic.length) !== magic || !(length > 0 && length <= size)) throw new Broken();
  const text = bytesAt(handle, lead.length, length);
  if (digestOf(text) !== digest) throw new Broken();
  const entry: unknown = JSON.parse(text.toString());
  const endsAt = lead.length + length;
  if (!isEntry(entry, size - endsAt)) throw new Broken();
  return { entry, endsAt };
}

function* contents(handle: number, body: number, entry: Entry): Generator<readonly [Output, Buffer]> {
  let at = body + entry.log.size;
  const sizes = entry.outputs.map((output) => (output.kind === "file" ? output.size : 0));
  // Small files, which are most, are read together; what one read took is given out piece by piece.
  let ahead: Buffer = Buffer.alloc(0);
  for (const [i, output] of entry.outputs.entries()) {
    if (output.kind !== "file") {
      yield [output, ahead.subarray(0, 0)];
      continue;
    }
    if (ahead.length < output.size) {
      let size = output.size;
      for (let next = i + 1; next < sizes.length && size + (sizes[next] ?? 0) <= readAheadBytes; next++)
        size += sizes[next] ?? 0;
      ahead = bytesAt(handle, at, size);
    }
    const bytes = ahead.subarray(0, output.size);
    ahead = ahead.subarray(output.size);
    if (digestOf(bytes) !== output.digest) throw new Broken();
    yield [output, bytes];
    at += output.size;
  }
}

const readAheadBytes = 1 << 20;

function checked(handle: number, at: number, { size, digest }: { size: number; digest: string }): Buffer {
  const bytes = bytesAt(handle, at, size);
  if (digestOf(bytes) !== digest) throw new Broken();
  return bytes;
}

function bytesAt(handle: number, at: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let done = 0; done < size; ) {
    const read = readSync(handle, bytes, done, size - done, at + done);
    if (read === 0) throw new Broken();
    done += read;
  }
  return bytes;
}

export type Writing = Readonly<{ entry: Entry; log: Buffer; read: (output: Output) => Buffer }>;

function writeEntry(file: string, { entry, log, read }: Writing): boolean {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  let handle: number | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    handle = openSync(temporary, "wx");
    const header = Buffer.from(JSON.stringify(entry));
    const digest = createHash("sha256").update(header).digest("hex");
    const parts = [Buffer.from(magic + digest + String(header.length).padStart(12)), header, log];
    let bytes = 0;
    const flush = (to: number) => {
      writeFully(to, Buffer.concat(parts.splice(0)));
      bytes = 0;
    };
    for (const output of entry.outputs) {
      if (output.kind !== "file") continue;
      const content = read(output);
      if (content.length !== output.size || digestOf(content) !== output.digest) throw new Broken();
      parts.push(content);
      bytes += content.length;
      if (bytes > 4 << 20) flush(handle);
    }
    flush(handle);
    closeSync(handle);
    renameSync(temporary, file);
    return true;
  } catch {
    if (handle !== undefined) quietly(handle);
    removeQuietly(temporary);
    return false;
  }
}

type Adopting = Readonly<{ key: string; bytes: Buffer; shelf: Shelf }>;

function adopt(file: string, { key, bytes, shelf }: Adopting): boolean {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, bytes);
    renameSync(temporary, file);
  } catch {
    removeQuietly(temporary);
    return false;
  }
  const found = openEntry(file, key, shelf);
  found?.close();
  return found !== undefined;
}

function writeFully(handle: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
}

function quietly(handle: number): void {
  try {
    closeSync(handle);
  } catch {
    // it was closed already
  }
}

function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // its folder is no folder, or read-only
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // read-only
  }
}

/** Undefined also where its folder is no folder. */
export function changedAtMs(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined;
  }
}
