// One step of a build as a process that sees nothing of the runner, neither its token nor its environment.
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunnerJob } from "../domain/build.ts";
import type { BuildLog } from "./log.ts";
import { endGroup, type Owner, type Place } from "./place.ts";
import type { StepOf } from "./steps.ts";

export interface Doing {
  readonly place: Place;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Where the control plane is. */
  readonly url: string;
  readonly as: Owner | undefined;
}

const graceMs = 10_000;
/** What left the step's process group may hold its pipes open. */
const pipesMs = 2000;

/** Why it failed; nothing when it succeeded. */
export async function runStep(step: StepOf, job: RunnerJob, doing: Doing): Promise<string | undefined> {
  const { place, log, signal, url, as } = doing;
  if (signal.aborted) return "stopped";
  log.say(`$ ${step.title}`);
  const child = spawn(step.command, step.args, {
    cwd: place.source,
    env: environmentOf(step, job, place, url),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...(as ?? {}),
  });
  const [out, err] = [log.stream(), log.stream()];
  child.stdout.on("data", out.write);
  child.stderr.on("data", err.write);
  const end = () => void endKindly(child);
  signal.addEventListener("abort", end);
  const ended = await new Promise<string | undefined>((done) => {
    child.on("error", (error) => done(notStarted(step, error)));
    child.on("exit", () => {
      if (child.pid !== undefined) endGroup(child.pid); // what it left behind
      setTimeout(() => [child.stdout, child.stderr].map((pipe) => pipe.destroy()), pipesMs).unref();
    });
    child.on("close", (code, by) => done(code === 0 ? undefined : `${step.title} ended with ${by ?? `code ${code}`}`));
  });
  signal.removeEventListener("abort", end);
  out.end();
  err.end();
  return ended;
}

function notStarted({ title, command }: StepOf, error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return `${title}: ${command} is not installed where this runner works`;
  return `${title} cannot be started: ${error.message}`;
}

async function endKindly(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  endGroup(child.pid, "SIGTERM");
  await sleep(graceMs, undefined, { ref: false });
  if (child.exitCode === null && child.signalCode === null) endGroup(child.pid);
}

function environmentOf(step: StepOf, job: RunnerJob, place: Place, url: string): Record<string, string> {
  const own = { PATH: process.env.PATH ?? "", HOME: place.home, TMPDIR: place.temporary, LANG: "C.UTF-8", CI: "true" };
  if (step.isGit === true) return { ...own, GIT_TERMINAL_PROMPT: "0", ...gitHeader(job.gitToken) };
  const { id, order } = job.build;
  return {
    ...own,
    SLUICE_BUILD: id,
    SLUICE_BRANCH: order.ref,
    SLUICE_CACHE_API: url,
    SLUICE_CACHE_TOKEN: job.cacheToken,
    ...job.secrets,
  };
}

/** Through the environment: an argument would be seen by every user of the machine. */
function gitHeader(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };
}
