// Reads a tar as it comes: ustar with PAX and GNU records, as image layers are written. Nothing is held but one block.
export interface TarEntry {
  readonly type: "file" | "folder" | "symlink" | "hardlink" | "other";
  readonly path: string;
  /** Where a link leads. */
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Read to its end, or left alone. */
  readonly body: AsyncIterable<Buffer>;
}

const block = 512;
const types: Readonly<Record<string, TarEntry["type"]>> = {
  ...{ "0": "file", "\0": "file", "7": "file", "1": "hardlink", "2": "symlink", "5": "folder" },
};

export async function* tarEntries(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const bytes = new Bytes(source);
  let said: Record<string, string> = {};
  for (;;) {
    const header = await bytes.take(block);
    if (header.length === 0 || header.every((byte) => byte === 0)) break;
    if (header.length < block || checksum(header) !== number(header, 148, 8)) throw new Error("a bad tar header");
    const flag = String.fromCharCode(header[156] ?? 0);
    const size = Number(said.size ?? number(header, 124, 12));
    if ("xgLK".includes(flag)) {
      const record = await bytes.take(size);
      await bytes.skip(padding(size));
      if (flag === "x") said = { ...said, ...pax(record) };
      if (flag === "L") said = { ...said, path: text(record, 0, record.length) };
      if (flag === "K") said = { ...said, linkpath: text(record, 0, record.length) };
      continue;
    }
    const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
    const name = text(header, 0, 100);
    let left = size;
    const body = (async function* () {
      while (left > 0) {
        const part = await bytes.some(left);
        left -= part.length;
        yield part;
      }
    })();
    yield {
      type: types[flag] ?? "other",
      path: said.path ?? (prefix === "" ? name : `${prefix}/${name}`),
      link: said.linkpath ?? text(header, 157, 100),
      mode: number(header, 100, 8) & 0o7777,
      uid: Number(said.uid ?? number(header, 108, 8)),
      gid: Number(said.gid ?? number(header, 116, 8)),
      body,
    };
    await bytes.skip(left + padding(size));
    said = {};
  }
  await bytes.drain();
}

class Bytes {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one byte and at most so many; throws when there are no more. */
  async some(atMost: number): Promise<Buffer> {
    if (this.#held.length === 0 && !(await this.#more())) throw new Error("the tar is cut short");
    const part = this.#held.subarray(0, atMost);
    this.#held = this.#held.subarray(part.length);
    return part;
  }

  /** So many, or what there is until the end. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      if (this.#held.length === 0 && !(await this.#more())) break;
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.some(left)).length;
  }

  async drain(): Promise<void> {
    while (await this.#more()) this.#held = Buffer.alloc(0);
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done === true) return false;
      if (value.length === 0) continue;
      this.#held = Buffer.from(value.buffer, value.byteOffset, value.length);
      return true;
    }
  }
}

function padding(size: number): number {
  return (block - (size % block)) % block;
}

/** "27 path=a/very/long/name\n", one after the other. */
function pax(record: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < record.length; ) {
    const length = Number.parseInt(record.subarray(at, at + 20).toString(), 10);
    if (!(length > 0)) break;
    const line = record.subarray(at, at + length - 1).toString();
    const [, key = "", value = ""] = /^\d+ ([^=]+)=(.*)$/s.exec(line) ?? [];
    found[key] = value;
    at += length;
  }
  return found;
}

/** Octal, or base 256 where the first bit is set. */
function number(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  return Number.parseInt(text(header, at, length).trim() || "0", 8);
}

/** Of the header with its own field read as spaces. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

function text(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString();
}
