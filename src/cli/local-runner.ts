// A runner on this machine: in this terminal, or beside the control plane that `sluice up` started.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { holdRunner, isRunnerHere } from "../compose/machine-runner.ts";
import { Problem } from "../domain/problem.ts";
import { type Owner, processOf, sweep } from "../runner/place.ts";
import { runBuilds } from "../runner/runner.ts";
import { findControlPlane, openApi } from "./api-client.ts";
import { refusePlainHttp, serverUrl } from "./control-address.ts";
import type { Context } from "./verb.ts";

export interface RunnerWishes {
  readonly url?: string;
  readonly work?: string;
  readonly user?: string;
  readonly once?: boolean;
}

export async function runHere(context: Context, { url, work, user, once }: RunnerWishes): Promise<void> {
  const folder = resolve(context.cwd, work ?? join(context.data, "runner"));
  const as = user === undefined ? undefined : userOf(user);
  const { SLUICE_RUNNER_TOKEN, SLUICE_ALLOW_HTTP } = process.env;
  const named = url === undefined ? undefined : serverUrl(url);
  if (named !== undefined) refusePlainHttp(named, SLUICE_ALLOW_HTTP === "1");
  const place = SLUICE_RUNNER_TOKEN === undefined || named === undefined ? await own(context) : undefined;
  const program = [process.execPath, resolve(process.argv[1] ?? "")];
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  const release = holdRunner(folder);
  sweep(folder);
  if (as !== undefined && user !== undefined) checkUser(user, { as, folder, program });
  if (as === undefined && process.getuid?.() === 0)
    context.screen.say("Builds run as root here: with --user <name> they could not read what is root's");
  try {
    await runBuilds({
      url: named ?? place?.url ?? "",
      token: SLUICE_RUNNER_TOKEN ?? place?.token ?? "",
      work: folder,
      program,
      isOnce: once === true,
      signal: stopping.signal,
      say: (line) => context.screen.say(line),
      ...(as === undefined ? {} : { as }),
    });
  } finally {
    release();
  }
}

/** Where the control plane of this person is, with a token of a runner that it makes for us. */
async function own(context: Context): Promise<{ readonly url: string; readonly token: string }> {
  const api = openApi(await findControlPlane(context));
  const name = `${hostname().slice(0, 40)}-local`;
  const { token } = await api.ask("runnerToken", { body: { name, labels: [], days: 365 } });
  return { url: api.url, token };
}

/** Beside a control plane of this machine, where there is something to build; it ends with `sluice down`. */
export async function startLocalRunner(context: Context): Promise<void> {
  const folder = join(context.data, "runner");
  if (context.server !== undefined || isRunnerHere(folder)) return;
  const { repositories } = await openApi(await findControlPlane(context)).ask("listRepositories");
  if (repositories.length === 0) return;
  const log = openSync(join(context.data, "runner.log"), "a", 0o600);
  const program = resolve(process.argv[1] ?? "");
  spawn(process.execPath, [program, "runner", "--data", context.data], {
    detached: true,
    cwd: "/",
    stdio: ["ignore", log, log],
  }).unref();
  closeSync(log);
}

function userOf(name: string): Owner {
  const [uid, gid] = ["-u", "-g"].map((what) => {
    const { status, stdout } = spawnSync("id", [what, "--", name], { encoding: "utf8" });
    if (status !== 0) throw new Problem(`there is no user ${name}`, `Make one with \`useradd --system ${name}\``);
    return Number(stdout);
  });
  if (process.getuid?.() !== 0)
    throw new Problem("only root can run builds as another user", "Start the runner as root");
  if (uid === undefined || uid === 0 || gid === undefined)
    throw new Problem(
      `builds as ${name} could read everything here`,
      "Make a user for them: `useradd --system builder`",
    );
  return { uid, gid };
}

interface AsUser {
  readonly as: Owner;
  readonly folder: string;
  readonly program: readonly string[];
}

/** Whatever runs as that user is ended after each build; and builds must be able to start. */
function checkUser(name: string, { as, folder, program }: AsUser): void {
  const other = processOf(as);
  if (other !== undefined) {
    throw new Problem(
      `${name} runs other things here (process ${other}), which would be ended with a build`,
      "Give builds a user of their own: `useradd --system builder`",
    );
  }
  // Entered by that user: a process that is started in a folder is put there by root.
  const enter = ["-c", 'cd -- "$1" && shift && exec "$@" --version', "sh", folder, ...program];
  const { status, stderr } = spawnSync("/bin/sh", enter, { ...as, cwd: "/", encoding: "utf8" });
  if (status === 0) return;
  const why = stderr.split("\n").find((line) => line.trim() !== "") ?? "it failed";
  throw new Problem(
    `${name} cannot run sluice in ${folder}: ${why.trim()}`,
    "Install Node and sluice where everybody may read them, and name a folder that everybody may enter: --work /var/lib/sluice-runner",
  );
}
