// State on disk that may be torn or altered: a digest stands before the body, a temporary name before the real one.
// What does not check out reads as absent; nothing here is a truth that cannot be made again.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const digestLength = 40;

export function readSealed(file: string): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const body = bytes.subarray(digestLength);
  return bytes.toString("latin1", 0, digestLength) === digest(body) ? body : undefined;
}

/** True when written; a full or read-only disk costs speed, not the run. */
export function writeSealed(file: string, body: Buffer | string): boolean {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, Buffer.concat([Buffer.from(digest(bytes)), bytes]));
    renameSync(temporary, file);
    return true;
  } catch {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // the folder cannot be written at all
    }
    return false;
  }
}

export function readSealedJson<T>(file: string): T | undefined {
  const body = readSealed(file);
  return body === undefined ? undefined : JSON.parse(body.toString());
}

/** The tool's folder in a workspace; it ignores itself, so that nobody has to edit .gitignore. */
export function stateFolder(root: string): string {
  const folder = join(root, ".sluice");
  const ignore = join(folder, ".gitignore");
  try {
    if (!existsSync(ignore)) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(ignore, "*\n");
    }
  } catch {
    // read-only: everything works, nothing is remembered
  }
  return folder;
}

function digest(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}
