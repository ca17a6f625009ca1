// The jobs of an environment as its host keeps them: from the revisions that stand there, by schedule and by hand.
import type { Config } from "../../../domain/config/config.ts";
import type { Standing } from "../../../domain/plan.ts";
import { words } from "../../../domain/release.ts";
import type { JobPlace } from "../../../host/jobs.ts";
import type { ScheduledJob } from "../../../host/schedule/schedules.ts";
import { commandAt } from "./runnable.ts";

export interface ScheduledParts {
  readonly config: Config;
  readonly environment: string;
  readonly stands: Standing;
  readonly version: string;
  /** Folder, environment values and user of a revision, as its replicas have them. */
  place(revision: string): Promise<JobPlace>;
}

export async function scheduledJobs(parts: ScheduledParts): Promise<readonly ScheduledJob[]> {
  const { config, environment, stands, version, place } = parts;
  const jobs = Object.entries(config.jobs).map(async ([name, job]): Promise<readonly ScheduledJob[]> => {
    const { service, command, within, schedule, zone = "UTC", overlap = "skip", environments } = job;
    const revision = stands[service];
    if (revision === undefined) return [];
    const isHere = environments?.includes(environment) ?? true;
    const where = await place(revision);
    const spec = { ...where, command: commandAt(where, words(command)), timeoutMs: within };
    const cron = schedule === undefined || !isHere ? {} : { cron: schedule };
    return [{ name, service, version, zone, overlap, spec, ...cron }];
  });
  return (await Promise.all(jobs)).flat();
}
