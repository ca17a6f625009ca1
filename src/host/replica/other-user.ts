// Replicas under a user of their own. The shim stays the host's: it joins the control groups and writes the exit status, and
// starts the command through `setpriv` with that user, no groups, no rights, and no way to get any. Needs a host that is
// root, or that was given the right to switch users (as its systemd unit is).
import { accessSync, chmodSync, constants, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

export interface OtherUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
}

/** By name, uid, or uid:gid. Undefined when this machine knows no such name. */
export function findUser(user: string, passwd = readFileSync("/etc/passwd", "utf8")): OtherUser | undefined {
  const entries = passwd.split("\n").map((line) => line.split(":"));
  const [id = "", group] = user.split(":");
  const [name, , uid, gid, , home] = entries.find(([known, , number]) => known === id || number === id) ?? [];
  if (name !== undefined) return { uid: Number(uid), gid: Number(group ?? gid), name, home: home || "/" };
  if (!/^\d+$/.test(id)) return undefined;
  return { uid: Number(id), gid: Number(group ?? id), name: id, home: "/" };
}

/** Why a command cannot be run as this user in this folder, with what to do; undefined when it can. */
export function whyNotAs(user: string, folder: string): string | undefined {
  if (process.platform !== "linux") return `it cannot run as "${user}": users are switched on Linux only`;
  const found = findUser(user);
  if (found === undefined) return `there is no user "${user}" on this machine: make one with useradd --system ${user}`;
  if (found.uid === process.geteuid?.()) return undefined;
  if (!maySwitch()) {
    return `it cannot run as "${user}": the host runs as ${process.env.USER ?? process.geteuid?.()} and may not switch users; run it as root or by the unit of sluice host install`;
  }
  if (setpriv() === undefined) return `it cannot run as "${user}": setpriv is missing, install util-linux`;
  const closed = closedTo(found, folder);
  return closed && `it cannot run as "${user}", who may not enter ${closed}: use a data folder such as /var/lib/sluice`;
}

/** The command line that does it; our own rights go in any case. */
export function asUser(user: string | undefined, command: readonly string[]): readonly string[] {
  const found = user === undefined ? undefined : findUser(user);
  const isOther = found !== undefined && found.uid !== process.geteuid?.();
  const program = setpriv();
  if (program === undefined || (!isOther && !hasAmbient())) return command;
  const switched = isOther ? [`--reuid=${found.uid}`, `--regid=${found.gid}`, "--clear-groups"] : [];
  return [program, ...switched, "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs", "--", ...command];
}

/** What a program expects to know of its user. */
export function userEnvironment(user: string | undefined): Readonly<Record<string, string>> {
  const found = user === undefined ? undefined : findUser(user);
  return found === undefined ? {} : { HOME: found.home, USER: found.name, LOGNAME: found.name };
}

/**
 * Where the host may switch users: lets others pass through the data folder to what runs. Nobody can list it, and what is
 * private in it is so by itself.
 */
export function letThrough(dataFolder: string): void {
  if (process.platform !== "linux" || !maySwitch()) return;
  for (const folder of [dataFolder, join(dataFolder, "unpacked")]) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found !== undefined && (found.mode & 0o011) !== 0o011) chmodSync(folder, (found.mode & 0o777) | 0o011);
  }
}

/** The lowest folder on the way that the user may not pass. */
function closedTo(user: OtherUser, folder: string): string | undefined {
  const { mode, uid, gid } = statSync(folder);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  if (user.uid !== 0 && (mode & bit) === 0) return folder;
  return dirname(folder) === folder ? undefined : closedTo(user, dirname(folder));
}

const switching = (1n << 6n) | (1n << 7n); // CAP_SETGID, CAP_SETUID

function maySwitch(): boolean {
  return process.geteuid?.() === 0 || (capabilities("CapEff") & switching) === switching;
}

function hasAmbient(): boolean {
  return process.geteuid?.() !== 0 && capabilities("CapAmb") !== 0n;
}

function capabilities(set: "CapEff" | "CapAmb"): bigint {
  try {
    const [, hex] = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, "m").exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return BigInt(`0x${hex ?? 0}`);
  } catch {
    return 0n; // not Linux
  }
}

function setpriv(): string | undefined {
  return ["/usr/bin/setpriv", "/bin/setpriv", "/sbin/setpriv"].find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
