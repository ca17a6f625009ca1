// A replica runs under a shell of about 1 MiB that writes its exit status to a file, in a session and process group of
// its own, with output appended to a file: so it outlives the supervisor, and a later supervisor knows how it ended.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { readWhole } from "../whole-file.ts";
import { runVariable } from "./escaped.ts";

/**
 * The traps keep the shell alive while the group's SIGTERM ends the command; a caught signal, unlike an ignored one, is
 * not inherited. At the end the whole group goes, so nothing that the command left behind survives it.
 */
const script = `
trap : TERM INT HUP
umask 022
run=$1 groups=$2; shift 2
for group in $groups; do echo $$ > "$group/cgroup.procs"; done
echo $$ > "$run/pid"
"$@"
echo $? > "$run/exit.part" && mv "$run/exit.part" "$run/exit"
kill -KILL 0`;

export interface ShimOptions {
  readonly run: string;
  readonly folder: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly cgroups?: readonly string[];
}

/** Why the command cannot be started at all, or undefined. */
export function whyNotStartable(options: Pick<ShimOptions, "folder" | "command" | "env">): string | undefined {
  const [program] = options.command;
  if (!existsSync(options.folder)) return `its folder ${options.folder} does not exist`;
  if (program === undefined || program === "") return "its start command is empty";
  const candidates = program.includes("/")
    ? [join(program.startsWith("/") ? "" : options.folder, program)]
    : searchPath(options.env)
        .split(":")
        .map((folder) => join(folder, program));
  return candidates.some(isExecutable) ? undefined : `start command "${program}" was not found`;
}

export function startShim(options: ShimOptions): ChildProcess {
  mkdirSync(options.run, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(options.logFile), { recursive: true, mode: 0o700 });
  const log = openSync(options.logFile, "a", 0o600);
  try {
    return spawn(
      "/bin/sh",
      ["-c", script, "sluice-shim", options.run, (options.cgroups ?? []).join(" "), ...options.command],
      {
        detached: true,
        cwd: options.folder,
        env: { ...replicaEnvironment(options.env), [runVariable]: options.run },
        stdio: ["ignore", log, log],
      },
    );
  } finally {
    closeSync(log);
  }
}

/** The exit status that the shim wrote: a code, or 128 + the signal's number. */
export function readExit(run: string): number | undefined {
  const text = readWhole(join(run, "exit"));
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** Nothing of the host's own environment but what any program needs to find its tools and its language. */
function replicaEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const kept = ["HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"];
  const base = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  return { ...base, ...env, PATH: searchPath(env) };
}

/** This Node comes first, so `node server.js` runs on the version that runs Sluice. */
function searchPath(env: Readonly<Record<string, string>>): string {
  return env.PATH ?? `${dirname(process.execPath)}:${process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin"}`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
