// Takes one build after another and runs each in a fresh directory, in processes that see nothing of this one: neither its
// token nor its environment. Killed at any moment it loses only time: the build goes to the next runner.
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunnerJob } from "../domain/build.ts";
import { Problem } from "../domain/problem.ts";
import { type BuildLog, buildLog } from "./log.ts";
import { endGroup, makePlace, type Owner, type Place, sweep } from "./place.ts";
import { type BuildServer, buildServer } from "./server.ts";
import { buildSteps, fetchSteps, type StepOf } from "./steps.ts";

export interface RunnerOptions {
  readonly url: string;
  readonly token: string;
  /** Where builds are made; this runner's alone. */
  readonly work: string;
  /** Command line of `sluice`. */
  readonly program: readonly string[];
  /** Who the builds run as; this process must be root for it. */
  readonly as?: Owner;
  /** Ends after one build. */
  readonly isOnce?: boolean;
  readonly signal: AbortSignal;
  say(line: string): void;
}

const beatEveryMs = 3000;
const graceMs = 10_000;
const retryMs = 2000;

export async function runBuilds(options: RunnerOptions): Promise<void> {
  const { url, token, work, signal, say } = options;
  const server = buildServer(url, token);
  sweep(work);
  say(`waiting for builds of ${url}`);
  while (!signal.aborted) {
    let job: RunnerJob | undefined;
    try {
      job = await server.claim(signal);
    } catch (error) {
      if (error instanceof Problem) throw error;
      await sleep(retryMs, undefined, { signal }).catch(() => {}); // stopped
    }
    if (job === undefined) continue;
    await oneBuild(job, server.of(job), options);
    if (options.isOnce === true) return;
  }
}

async function oneBuild(job: RunnerJob, server: Omit<BuildServer, "claim">, options: RunnerOptions): Promise<void> {
  const { id, order, attempt } = job.build;
  const { as, say } = options;
  say(`${id}: ${order.repository} ${order.ref}${attempt > 1 ? `, attempt ${attempt}` : ""}`);
  const place = makePlace(options.work, id, (folder) => as && chownSync(folder, as.uid, as.gid));
  const log = buildLog(server, [...Object.values(job.secrets), job.gitToken ?? "", job.cacheToken]);
  const stop = new AbortController();
  const watching = watch(server, stop, options.signal);
  const because = await allSteps(job, { place, log, stop, options });
  const ended = stop.signal.aborted ? String(stop.signal.reason) : because;
  stop.abort("over");
  await watching;
  log.write(ended === undefined ? `${id} succeeded\n` : `${id}: ${ended}\n`);
  if (ended !== "lost" && ended !== "stopped") {
    await log.close(60_000);
    await server.end(ended === undefined ? "succeeded" : ended === "cancelled" ? "cancelled" : "failed", ended);
  }
  place.remove();
  say(`${id}: ${ended ?? "succeeded"}`);
}

/** Says that we are here; hears that we are to stop. While nobody answers, the build goes on. */
async function watch(server: Omit<BuildServer, "claim">, stop: AbortController, runner: AbortSignal): Promise<void> {
  const end = () => stop.abort("stopped");
  runner.addEventListener("abort", end);
  while (!stop.signal.aborted) {
    const told = await server.beat().catch(() => "go on" as const);
    if (told !== "go on" && !stop.signal.aborted) stop.abort(told);
    await sleep(beatEveryMs, undefined, { signal: stop.signal }).catch(() => {}); // over
  }
  runner.removeEventListener("abort", end);
}

interface Doing {
  readonly place: Place;
  readonly log: BuildLog;
  readonly stop: AbortController;
  readonly options: RunnerOptions;
}

/** Why it failed; nothing when every step succeeded. */
async function allSteps(job: RunnerJob, doing: Doing): Promise<string | undefined> {
  let { order } = job.build;
  for (const step of fetchSteps(order)) {
    const failed = await oneStep(step, job, doing);
    if (failed === undefined) continue;
    if (step.isForBase !== true || doing.stop.signal.aborted) return failed;
    const { base, ...whole } = order;
    doing.log.write(`${base} is not there any more to compare with: everything is built\n`);
    order = whole;
  }
  for (const step of buildSteps(doing.place.source, order, doing.options.program)) {
    const failed = await oneStep(step, job, doing);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

async function oneStep(
  step: StepOf,
  job: RunnerJob,
  { place, log, stop, options }: Doing,
): Promise<string | undefined> {
  if (stop.signal.aborted) return "stopped";
  log.write(`$ ${step.title}\n`);
  const child = spawn(step.command, step.args, {
    cwd: place.source,
    env: environmentOf(step, job, place, options.url),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...(options.as === undefined ? {} : options.as),
  });
  if (child.pid !== undefined) place.note(child.pid);
  child.stdout.on("data", (chunk: Buffer) => log.write(chunk));
  child.stderr.on("data", (chunk: Buffer) => log.write(chunk));
  const end = () => void endKindly(child);
  stop.signal.addEventListener("abort", end);
  const ended = await new Promise<string | undefined>((done) => {
    child.on("error", (error) => done(`${step.title} cannot be started: ${error.message}`));
    child.on("close", (code, signal) =>
      done(code === 0 ? undefined : `${step.title} ended with ${signal ?? `code ${code}`}`),
    );
  });
  stop.signal.removeEventListener("abort", end);
  if (child.pid !== undefined) endGroup(child.pid); // what it left behind
  return ended;
}

async function endKindly({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  endGroup(pid, "SIGTERM");
  await sleep(graceMs, undefined, { ref: false });
  endGroup(pid);
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
