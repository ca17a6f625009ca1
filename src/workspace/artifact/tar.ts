// Writes and reads the tar of an artifact. The same files give the same bytes: sorted, no times, owners or odd modes,
// so that its hash is the hash of the content. (npm's tar packers keep times and depend on the platform.)
const block = 512;

export interface TarFile {
  /** With forward slashes, below the archive's root. */
  readonly path: string;
  readonly body: Buffer;
  readonly isExecutable: boolean;
}

/** One file as it stands in the archive. A path that does not fit the old header gets a PAX record before it. */
export function tarEntry({ path, body, isExecutable }: TarFile): Buffer {
  const mode = isExecutable ? 0o755 : 0o644;
  const name = Buffer.from(path);
  const short = name.length <= 100 ? name : name.subarray(0, 100);
  const pax = name.length <= 100 ? [] : [record(Buffer.from("pax"), paxPath(path), { mode: 0o644, type: "x" })];
  return Buffer.concat([...pax, record(short, body, { mode, type: "0" })]);
}

export const tarEnd: Buffer = Buffer.alloc(2 * block);

/** The files of a whole archive; throws on one that is cut short or whose headers do not add up. */
export function* tarFiles(tar: Buffer): Generator<TarFile> {
  let at = 0;
  let longPath: string | undefined;
  while (at + block <= tar.length) {
    const header = tar.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) return;
    if (octal(header, 148, 8) !== checksum(header)) throw new Error(`bad tar header at byte ${at}`);
    const size = octal(header, 124, 12);
    const body = tar.subarray(at + block, at + block + size);
    if (body.length !== size) throw new Error("the tar is cut short");
    at += block + Math.ceil(size / block) * block;
    if (header[156] === "x".charCodeAt(0)) {
      longPath = /^\d+ path=(.*)\n$/s.exec(body.toString())?.[1];
      continue;
    }
    const path = longPath ?? text(header, 0, 100);
    longPath = undefined;
    yield { path, body, isExecutable: (octal(header, 100, 8) & 0o100) !== 0 };
  }
  throw new Error("the tar has no end");
}

function record(name: Buffer, body: Buffer, { mode, type }: { mode: number; type: "0" | "x" }): Buffer {
  const header = Buffer.alloc(block);
  name.copy(header);
  writeOctal(header, mode, 100, 8);
  writeOctal(header, 0, 108, 8);
  writeOctal(header, 0, 116, 8);
  writeOctal(header, body.length, 124, 12);
  writeOctal(header, 0, 136, 12);
  header.write(type, 156);
  header.write("ustar\u000000", 257, "latin1");
  writeOctal(header, checksum(header), 148, 8);
  return Buffer.concat([header, body, Buffer.alloc((block - (body.length % block)) % block)]);
}

/** "27 path=a/very/long/name\n": the record's length counts its own digits. */
function paxPath(path: string): Buffer {
  const rest = Buffer.byteLength(` path=${path}\n`);
  const guess = rest + String(rest).length;
  const length = rest + String(guess).length;
  return Buffer.from(`${length} path=${path}\n`);
}

/** Of the header with its own field read as spaces. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

function writeOctal(header: Buffer, value: number, at: number, length: number): void {
  header.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
}

function octal(header: Buffer, at: number, length: number): number {
  return Number.parseInt(text(header, at, length).trim() || "0", 8);
}

function text(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString();
}
