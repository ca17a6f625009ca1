// The token of this machine: made on the first `up`, readable by its user only.
import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Problem } from "../domain/problem.ts";

/** With which the control plane's own process ends when another one has the data folder: `sluice up` then waits for that. */
export const anotherRuns = 75;

/** The token in the file, which is made when there is none; whoever comes first makes it. */
export function localToken(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, `sluice_${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(beside, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(beside, { force: true });
  }
  keepPrivate(file);
  const token = readFileSync(file, "utf8").trim();
  if (token.length >= 32) return token;
  throw new Problem(`the token in ${file} is not one that Sluice made`, `Remove ${file} and run \`sluice up\` again`);
}

function keepPrivate(file: string): void {
  const { mode, uid } = statSync(file);
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new Problem(`${file} belongs to another user`, "Use a data folder of your own");
  }
  if ((mode & 0o077) !== 0) chmodSync(file, 0o600);
}
