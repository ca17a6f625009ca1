// Runs a job by hand and follows it to its end; reads what one printed.
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../domain/problem.ts";
import type { Answers } from "../server/routes/routes.ts";
import type { Api } from "./api-client.ts";
import type { Exit } from "./exit.ts";
import { runWords } from "./print/jobs.ts";
import type { Screen } from "./screen.ts";

export interface JobName {
  readonly environment: string;
  readonly name: string;
}

type Seen = Answers["getJobRun"];

const lookEveryMs = 300;

/** `key`: the same runs it once. */
export async function runJob(
  api: Api,
  screen: Screen,
  { environment, name, key, detach }: JobName & { readonly key: string; readonly detach: boolean },
): Promise<Exit> {
  const params = { environment, job: name };
  const { run } = await api.ask("runJob", { params, body: {}, idempotencyKey: key });
  if (detach) {
    sayRun(screen, { run, lines: [] });
    return "ok";
  }
  for (let said: readonly string[] = []; ; await sleep(lookEveryMs)) {
    const seen = await api.ask("getJobRun", { query: { key: run.key } });
    screen.say(...newLines(said, seen.lines));
    said = seen.lines;
    if (seen.run.state === "running") continue;
    sayRun(screen, seen);
    return seen.run.state === "succeeded" ? "ok" : "failed";
  }
}

export async function latestRun(api: Api, { environment, name }: JobName): Promise<Seen> {
  const { jobs } = await api.ask("listJobs", { query: { environment } });
  const job = jobs.find((one) => one.name === name);
  const [run] = job?.runs.filter(({ state }) => state !== "skipped") ?? [];
  if (run !== undefined) return api.ask("getJobRun", { query: { key: run.key } });
  throw new Problem(
    job === undefined ? `${environment} has no job ${name}` : `${name} has not run in ${environment} yet`,
    job === undefined ? `sluice jobs ${environment} lists them` : `sluice job run ${environment} ${name}`,
  );
}

export function sayRun(screen: Screen, { run, lines }: Seen): void {
  screen.answer({ run, lines });
  screen.say(runWords(run, screen.colors));
}

/** The last lines are seen as a window that moves on. */
function newLines(before: readonly string[], now: readonly string[]): readonly string[] {
  const last = before.at(-1);
  if (last === undefined) return now;
  for (let at = now.length - 1; at >= 0; at--) {
    const isSame = before.slice(-(at + 1)).every((line, i, tail) => line === now[at + 1 - tail.length + i]);
    if (now[at] === last && isSame) return now.slice(at + 1);
  }
  return now;
}
