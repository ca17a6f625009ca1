// Builds on the control plane's side: the secrets of repositories, and builds that a schedule asks for.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Cron } from "croner";
import type { Builds } from "../adapters/postgres/builds.ts";
import type { Secrets } from "../adapters/secrets/secret-file.ts";
import { mainRef, orderOf, type Repository } from "../domain/build.ts";
import type { Ms } from "../domain/frame.ts";
import { Problem, Temporary } from "../domain/problem.ts";
import type { Places } from "../server/records.ts";

const hooks = "hooks";
const lookEveryMs: Ms = 10_000;
const patienceMs: Ms = 10_000;
const dayMs: Ms = 86_400_000;
const logsKeptMs: Ms = 90 * dayMs;

export function buildPlaces(secrets: Secrets): Pick<Places, "secretValues" | "hookSecret" | "checkSchedule"> {
  return {
    secretValues: (environment) =>
      Object.fromEntries(
        Object.keys(secrets.versions(environment)).map((name) => [name, secrets.value(environment, name)]),
      ),
    hookSecret: (repository) => {
      if (!(repository in secrets.versions(hooks)))
        secrets.put(hooks, { [repository]: randomBytes(24).toString("hex") });
      return secrets.value(hooks, repository);
    },
    checkSchedule: (cron) => void moments(cron),
  };
}

/** Asks for what schedules want, until told to stop; each moment once, however many control planes look. Old logs go. */
export async function keepBuilding(builds: Builds, now: () => Ms, signal: AbortSignal): Promise<void> {
  let sweepAt: Ms = 0;
  while (!signal.aborted) {
    try {
      if (sweepAt === 0) await builds.renewAll(patienceMs);
      if (now() >= sweepAt) {
        await builds.forgetLogs(logsKeptMs);
        sweepAt = now() + dayMs;
      }
      for (const repository of await builds.repositories()) await buildWhenDue(builds, repository, now());
    } catch (error) {
      if (!(error instanceof Temporary)) console.error(error);
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {}); // stopped
  }
}

/** Moments that were missed while nobody looked are made up for by one build. */
async function buildWhenDue(builds: Builds, repository: Repository, now: Ms): Promise<void> {
  if (repository.schedule === undefined) return;
  const last = await builds.lastScheduled(repository.name);
  const due = moments(repository.schedule).nextRun(new Date(last))?.getTime();
  if (due === undefined || due > now || !(await builds.scheduled(repository.name, now))) return;
  await builds.request(orderOf(repository, mainRef(repository), { kind: "schedule" }));
}

function moments(cron: string): Cron {
  try {
    return new Cron(cron, { timezone: "UTC", paused: true });
  } catch {
    throw new Problem(`"${cron}" is not a cron expression`, 'Write minute, hour, day, month, weekday: "0 3 * * 1-5"');
  }
}
