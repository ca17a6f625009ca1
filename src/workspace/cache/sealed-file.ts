// State on disk that may be torn, altered, or of another version: a digest over its form's name and the body stands before
// the body, a temporary name before the real one.
// What does not check out reads as absent; nothing here is a truth that cannot be made again.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const digestLength = 40;

/** `form` names what the body is and its version; a body of any other form reads as absent. */
export function readSealed(file: string, form: string): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const body = bytes.subarray(digestLength);
  return bytes.toString("latin1", 0, digestLength) === digest(form, body) ? body : undefined;
}

/** True when written; a full or read-only disk costs speed, not the run. */
export function writeSealed(file: string, form: string, body: Buffer | string): boolean {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(temporary, Buffer.concat([Buffer.from(digest(form, bytes)), bytes]));
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

export function readSealedJson<T>(file: string, form: string): T | undefined {
  const body = readSealed(file, form);
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

function digest(form: string, bytes: Buffer): string {
  return createHash("sha1").update(`${form}\n`).update(bytes).digest("hex");
}
