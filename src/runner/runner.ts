// Takes one build after another and runs each in a fresh directory, in processes that see nothing of this one: neither its
// token nor its environment. Killed at any moment it loses only time: the build goes to the next runner.
import { setTimeout as sleep } from "node:timers/promises";
import type { RunnerJob } from "../domain/build.ts";
import { Problem } from "../domain/problem.ts";
import { buildLog } from "./log.ts";
import { makePlace, type Owner, type Place } from "./place.ts";
import { type BuildServer, buildServer } from "./server.ts";
import { type Doing, runStep } from "./step-process.ts";
import { buildSteps, fetchSteps } from "./steps.ts";

export interface RunnerOptions {
  readonly url: string;
  readonly token: string;
  /** Where builds are made; this runner's alone. */
  readonly work: string;
  /** Command line of `sluice`. */
  readonly program: readonly string[];
  /** Who the builds run as, and nothing else does; this process must be root for it. */
  readonly as?: Owner;
  /** Ends after one build. */
  readonly isOnce?: boolean;
  readonly signal: AbortSignal;
  say(line: string): void;
}

const beatEveryMs = 3000;
const retryMs = 2000;

export async function runBuilds(options: RunnerOptions): Promise<void> {
  const { url, token, signal, say } = options;
  const server = buildServer(url, token);
  say(`waiting for builds of ${url}`);
  let isAway = false;
  while (!signal.aborted) {
    let job: RunnerJob | undefined;
    try {
      job = await server.claim(signal);
      if (isAway) say(`${url} answers again`);
      isAway = false;
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (!isAway && !signal.aborted) say(`${url} does not answer (${reason(error)}): trying again until it does`);
      isAway = true;
      await sleep(retryMs, undefined, { signal }).catch(() => {}); // stopped
    }
    if (job === undefined) continue;
    await oneBuild(job, server.of(job), options);
    if (options.isOnce === true) return;
  }
}

async function oneBuild(job: RunnerJob, server: Omit<BuildServer, "claim">, options: RunnerOptions): Promise<void> {
  const { id, order, attempt } = job.build;
  const { as, say, url } = options;
  say(`${id}: ${order.repository} ${order.ref}${attempt > 1 ? `, attempt ${attempt}` : ""}`);
  const log = buildLog(server, [...Object.values(job.secrets), job.gitToken ?? "", job.cacheToken]);
  const [stop, over] = [new AbortController(), new AbortController()];
  const watching = watch(server, { stop, runner: options.signal, over: over.signal });
  const because = await inPlace(options, id, (place) =>
    allSteps(job, options.program, { place, log, signal: stop.signal, url, as }),
  );
  const ended = stop.signal.aborted ? String(stop.signal.reason) : because;
  if (ended === "lost" || ended === "stopped") log.drop();
  else {
    log.say(ended === undefined ? `${id} succeeded` : `${id}: ${ended}`);
    await log.close(60_000);
    if (ended === "cancelled") await server.end("cancelled");
    else await server.end(ended === undefined ? "succeeded" : "failed", ended);
  }
  over.abort();
  await watching;
  say(`${id}: ${ended ?? "succeeded"}`);
}

/** Nothing of the build is left when this returns, or the runner says what is. */
async function inPlace(
  { work, as, say }: RunnerOptions,
  id: string,
  build: (place: Place) => Promise<string | undefined>,
): Promise<string | undefined> {
  let place: Place;
  try {
    place = makePlace(work, id, as);
  } catch (error) {
    return `this runner cannot make a directory for it: ${reason(error)}`;
  }
  try {
    return await build(place);
  } finally {
    try {
      place.clear();
    } catch (error) {
      say(`${id}: its directory cannot be removed: ${reason(error)}`);
    }
  }
}

interface Watched {
  readonly stop: AbortController;
  readonly runner: AbortSignal;
  readonly over: AbortSignal;
}

/** Says that we are here, until it is over; hears that we are to stop. While nobody answers, the build goes on. */
async function watch(server: Omit<BuildServer, "claim">, { stop, runner, over }: Watched): Promise<void> {
  const end = () => stop.abort("stopped");
  runner.addEventListener("abort", end);
  if (runner.aborted) end();
  while (!over.aborted) {
    const told = await server.beat().catch((error) => (error instanceof Problem ? "lost" : "go on"));
    if (told !== "go on" && !stop.signal.aborted) stop.abort(told);
    await sleep(beatEveryMs, undefined, { signal: over }).catch(() => {}); // over
  }
  runner.removeEventListener("abort", end);
}

/** Why it failed; nothing when every step succeeded. */
async function allSteps(job: RunnerJob, program: readonly string[], doing: Doing): Promise<string | undefined> {
  let { order } = job.build;
  for (const step of fetchSteps(order)) {
    const failed = await runStep(step, job, doing);
    if (failed === undefined) continue;
    if (step.isForBase !== true || doing.signal.aborted) return failed;
    const { base, ...whole } = order;
    doing.log.say(`${base} is not there any more to compare with: everything is built`);
    order = whole;
  }
  for (const step of buildSteps(doing.place.source, order, program)) {
    const failed = await runStep(step, job, doing);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** `fetch` says why it failed in what lies below. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
