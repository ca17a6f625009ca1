// Jobs of a deployment: run by the host from the release's own artifact, once per key.
import { configOf, type Release, words } from "../../../domain/release.ts";
import type { JobAnswer, JobCall, Jobs } from "../../../engine/ports.ts";
import type { HostClient } from "../../../host/client.ts";
import type { JobPlace, SeenJob } from "../../../host/jobs.ts";
import { commandAt } from "./runnable.ts";

export interface JobParts {
  readonly host: Pick<HostClient, "startJob">;
  release(id: string): Promise<Release>;
  /** Folder and environment of a service of the release, as its replicas have them. */
  place(call: JobCall, service: string): Promise<JobPlace>;
}

export function hostJobs({ host, release, place }: JobParts): Jobs {
  return {
    run: async (call) => {
      const config = configOf(await release(call.release.id));
      const job = config.jobs[call.name];
      if (job === undefined) return { state: "failed", because: `the release names no job ${call.name}` };
      const where = await place(call, job.service);
      const command = commandAt(where, words(job.command));
      return answerOf(await host.startJob({ key: call.key, ...where, command, timeoutMs: job.within }));
    },
  };
}

/** The last line that a job printed says more than its exit status. */
function answerOf(seen: SeenJob): JobAnswer {
  if (seen.state === "running") return { state: "running" };
  const last = seen.lines.findLast((line) => line.trim() !== "");
  if (seen.exitCode === 0) return { state: "succeeded", ...(last === undefined ? {} : { note: last }) };
  return { state: "failed", because: last === undefined ? seen.because : `${seen.because}: ${last}` };
}
