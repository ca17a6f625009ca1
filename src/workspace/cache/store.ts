// The local cache: one file per key, a header that lists every output with its digest, then the log and the contents.
// Written beside and renamed, so a reader sees all or nothing; every byte is checked before it is given out.
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
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
import type { Parts } from "../tasks/parts.ts";

export type Entry = Readonly<{
  key: string;
  task: string;
  durationMs: number;
  outputs: readonly Output[];
  log: Readonly<{ size: number; digest: string }>;
  parts: Parts;
  upstream: readonly string[];
  /** Path and content of the sources: so that a miss can name the file. */
  inputs: readonly string[];
}>;

/** An entry whose header checked out; contents are read and checked one by one. */
export type Found = Readonly<{
  entry: Entry;
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
  write: (entry: Entry, log: Buffer, read: (output: Output) => Buffer) => boolean;
  drop: (key: string) => void;
  /** A whole entry as it came from elsewhere; false when its header does not check out. */
  adopt: (key: string, bytes: Buffer) => boolean;
  bytesOf: (key: string) => Buffer | undefined;
  /** What the task printed; a broken log is not worth a failure. */
  logOf: (key: string) => Buffer | undefined;
}>;

export function openStore(folder: string): Store {
  const fileOf = (key: string) => join(folder, key.slice(0, 2), key);
  return {
    folder,
    has: (key) => changedAtMs(fileOf(key)) !== undefined,
    open: (key) => openEntry(fileOf(key), key),
    write: (entry, log, read) => writeEntry(fileOf(entry.key), { entry, log, read }),
    drop: (key) => removeQuietly(fileOf(key)),
    logOf: (key) => {
      const found = openEntry(fileOf(key), key);
      try {
        return found?.log();
      } catch {
        return undefined;
      } finally {
        found?.close();
      }
    },
    adopt: (key, bytes) => adopt(fileOf(key), key, bytes),
    bytesOf: (key) => {
      try {
        return readFileSync(fileOf(key));
      } catch {
        return undefined;
      }
    },
  };
}

function openEntry(file: string, key: string): Found | undefined {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch {
    return undefined;
  }
  const close = () => closeSync(handle);
  try {
    const { size, mtimeMs } = fstatSync(handle);
    const lead = bytesAt(handle, 0, magic.length + 64 + 12);
    const digest = lead.toString("latin1", magic.length, magic.length + 64);
    const length = Number(lead.toString("latin1", magic.length + 64));
    if (lead.toString("latin1", 0, magic.length) !== magic || !(length > 0 && length <= size)) throw new Broken();
    const header = bytesAt(handle, lead.length, length);
    if (digestOf(header) !== digest) throw new Broken();
    const entry: Entry = JSON.parse(header.toString());
    if (entry.key !== key) throw new Broken();
    if (Date.now() - mtimeMs > 86_400_000) touch(file);
    const body = lead.length + length;
    return { entry, close, log: () => checked(handle, body, entry.log), contents: () => contents(handle, body, entry) };
  } catch {
    close();
    removeQuietly(file);
    return undefined;
  }
}

function* contents(handle: number, body: number, entry: Entry): Generator<readonly [Output, Buffer]> {
  let at = body + entry.log.size;
  for (const output of entry.outputs) {
    if (output.kind !== "file") yield [output, Buffer.alloc(0)];
    else {
      yield [output, checked(handle, at, output)];
      at += output.size;
    }
  }
}

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

type Writing = Readonly<{ entry: Entry; log: Buffer; read: (output: Output) => Buffer }>;

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

function adopt(file: string, key: string, bytes: Buffer): boolean {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, bytes);
    renameSync(temporary, file);
  } catch {
    removeQuietly(temporary);
    return false;
  }
  const found = openEntry(file, key);
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

export type Stored = Readonly<{ key: string; file: string; bytes: number; usedAtMs: number }>;

/** Every entry, longest unused first. Leftovers of killed writers that are a day old are removed on the way. */
export function listStore(folder: string): readonly Stored[] {
  const found: Stored[] = [];
  for (const part of read(folder)) {
    for (const key of read(join(folder, part))) {
      const file = join(folder, part, key);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (!stat?.isFile()) continue;
      if (key.endsWith(".tmp")) {
        if (Date.now() - stat.mtimeMs > 86_400_000) rmSync(file, { force: true });
      } else found.push({ key, file, bytes: stat.size, usedAtMs: stat.mtimeMs });
    }
  }
  return found.sort((a, b) => a.usedAtMs - b.usedAtMs);
}

export type Limits = Readonly<{ sizeMaxBytes: number; ageMaxMs: number; nowMs: number }>;

/** Removes what is too old, then what is longest unused, until the rest fits. */
export function prune(folder: string, { sizeMaxBytes, ageMaxMs, nowMs }: Limits): readonly Stored[] {
  const all = listStore(folder);
  let total = all.reduce((sum, e) => sum + e.bytes, 0);
  const gone = all.filter((entry) => {
    const goes = nowMs - entry.usedAtMs > ageMaxMs || total > sizeMaxBytes;
    if (goes) total -= entry.bytes;
    return goes;
  });
  for (const { file } of gone) rmSync(file, { force: true });
  return gone;
}

/** The header alone, for listings and comparisons. */
export function readEntry(file: string): Entry | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const start = magic.length + 64 + 12;
    const length = Number(bytesAt(handle, 0, start).toString("latin1", magic.length + 64));
    return JSON.parse(bytesAt(handle, start, length).toString());
  } catch {
    return undefined; // gone, or never whole
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** At most once a day: pruning by default keeps a store from growing without end. */
export function pruneDaily(folder: string, limits: Limits): void {
  const mark = join(folder, "pruned");
  const lastMs = changedAtMs(mark) ?? 0;
  if (limits.nowMs - lastMs < 86_400_000) return;
  try {
    writeFileSync(mark, "");
    prune(folder, limits);
  } catch {
    // read-only, or no cache yet
  }
}

/** Undefined also where its folder is no folder. */
function changedAtMs(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined;
  }
}

function read(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
