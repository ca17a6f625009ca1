// Who this person is to which control plane: one file in the user's own configuration folder, readable by nobody else.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Problem } from "../domain/problem.ts";

export interface Login {
  readonly token: string;
  /** The authority of its certificate as PEM, when that is a private one. */
  readonly ca?: string;
  /** A person said that the token may go there unencrypted. */
  readonly allowHttp?: true;
}

interface Logins {
  /** The URL of the latest sign-in. */
  readonly current?: string;
  readonly servers: Readonly<Record<string, Login>>;
}

function loginsFile(): string {
  const { XDG_CONFIG_HOME, APPDATA } = process.env;
  const folder = XDG_CONFIG_HOME || (process.platform === "win32" && APPDATA) || join(homedir(), ".config");
  return join(folder, "sluice", "logins.json");
}

export function loginAt(url: string): Login | undefined {
  return read().servers[url];
}

export function currentServer(): string | undefined {
  return read().current;
}

export function keepLogin(url: string, login: Login): void {
  write({ current: url, servers: { ...read().servers, [url]: login } });
}

/** False when there was none. */
export function forgetLogin(url: string): boolean {
  const { current, servers } = read();
  const { [url]: gone, ...rest } = servers;
  if (gone === undefined) return false;
  write({ ...(current === undefined || current === url ? {} : { current }), servers: rest });
  return true;
}

function read(): Logins {
  const file = loginsFile();
  try {
    if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { servers: {} };
    const because = error instanceof Error ? error.message : String(error);
    throw new Problem(`${file} cannot be read: ${because}`, "Remove it and sign in again with `sluice login URL`");
  }
}

function write(logins: Logins): void {
  const file = loginsFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomBytes(4).toString("hex")}`;
  writeFileSync(beside, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(beside, file);
}
