// Jobs that run at their times without a control plane: what is asked (one absolute document per environment), which
// moments were dealt with, and what became of them; in one file, so a moment is dealt with once across restarts. A run is a
// job under a key that holds its moment: should we die between starting it and writing that down, it is found, not started
// again.
import { join } from "node:path";
import type { Ms } from "../../domain/frame.ts";
import { Problem } from "../../domain/problem.ts";
import type { Overlap, SeenJobRun, SeenScheduledJob } from "../../domain/scheduled-job.ts";
import type { JobSpec, SeenJob } from "../jobs.ts";
import { readWhole, writeWhole } from "../whole-file.ts";
import { latestMoment, nextMoment, whyNoMoment } from "./moments.ts";

export interface ScheduledJob {
  readonly name: string;
  readonly service: string;
  readonly version: string;
  readonly cron?: string;
  readonly zone: string;
  readonly overlap: Overlap;
  readonly spec: Omit<JobSpec, "key">;
}

export interface ScheduleOptions {
  readonly folder: string;
  readonly start: (spec: JobSpec) => SeenJob;
  readonly see: (key: string) => SeenJob | undefined;
  readonly log: (line: string) => void;
}

interface KeptRun {
  readonly key: string;
  readonly at: Ms;
  readonly by: SeenJobRun["by"];
  readonly version: string;
  readonly skippedBecause?: string;
}

interface KeptJob {
  readonly asked: ScheduledJob;
  /** Moments up to here are dealt with. */
  readonly considered: Ms;
  readonly runs: readonly KeptRun[];
}

type Kept = Record<string, Record<string, KeptJob>>;

/** A moment that passed while nobody was there is made up for within this time; later it is told, not run. */
const lateMaxMs: Ms = 5 * 60_000;
const runsMax = 50;

export class Schedules {
  readonly #options: ScheduleOptions;
  readonly #file: string;
  #kept: Kept;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#file = join(options.folder, "schedules.json");
    this.#kept = JSON.parse(readWhole(this.#file) ?? "{}");
  }

  /** From now on these are the environment's jobs. A schedule that is new, or another than before, begins now. */
  put(environment: string, jobs: readonly ScheduledJob[], now: Ms): void {
    const wrong = jobs.flatMap(({ name, cron, zone }) => {
      const why = cron === undefined ? undefined : whyNoMoment({ cron, zone });
      return why === undefined ? [] : [`${name}: ${why}`];
    });
    if (wrong.length > 0)
      throw new Problem(wrong.join("; "), 'Write five fields and a zone: "0 3 * * *", Europe/Berlin');
    const before = this.#kept[environment] ?? {};
    const entries = jobs.map((asked): [string, KeptJob] => {
      const known = before[asked.name];
      const isSame = known?.asked.cron === asked.cron && known?.asked.zone === asked.zone;
      return [asked.name, { asked, considered: isSame ? known.considered : now, runs: known?.runs ?? [] }];
    });
    this.#kept = { ...this.#kept, [environment]: Object.fromEntries(entries) };
    this.#save();
  }

  /** Deals with every moment that has come. */
  tick(now: Ms): void {
    let isChanged = false;
    for (const [environment, jobs] of Object.entries(this.#kept)) {
      for (const [name, job] of Object.entries(jobs)) {
        const { cron, zone } = job.asked;
        const at = cron === undefined ? undefined : latestMoment({ cron, zone }, { after: job.considered, now });
        if (at === undefined) continue;
        const run = this.#due(environment, job, { at, now });
        jobs[name] = { ...job, considered: at, runs: [run, ...job.runs].slice(0, runsMax) };
        isChanged = true;
      }
    }
    if (isChanged) this.#save();
  }

  /** Once under its key; also beside a run that is under way: a person asked for it. */
  runByHand(environment: string, name: string, { id, now }: { id: string; now: Ms }): SeenJobRun {
    const job = this.#kept[environment]?.[name];
    if (job === undefined) {
      const names = Object.keys(this.#kept[environment] ?? {});
      throw new Problem(
        `${environment} has no job ${name}`,
        names.length === 0 ? "Name jobs in sluice.config.ts and deploy" : `It has ${names.join(", ")}`,
      );
    }
    const { version, spec } = job.asked;
    const key = `${environment}/${name}@${id}`;
    const known = job.runs.find((run) => run.key === key);
    if (known !== undefined) return this.#seenRun(known);
    const run: KeptRun = { key, at: now, by: "hand", version };
    this.#options.start({ ...spec, key });
    this.#kept[environment] = {
      ...this.#kept[environment],
      [name]: { ...job, runs: [run, ...job.runs].slice(0, runsMax) },
    };
    this.#save();
    return this.#seenRun(run);
  }

  seen(now: Ms): readonly SeenScheduledJob[] {
    return Object.entries(this.#kept).flatMap(([environment, jobs]) =>
      Object.values(jobs).map(({ asked, runs }) => {
        const { name, service, version, cron, zone, overlap } = asked;
        const nextAt = cron === undefined ? undefined : nextMoment({ cron, zone }, now);
        return {
          ...{ environment, name, service, version, zone, overlap },
          ...(cron === undefined ? {} : { cron }),
          ...(nextAt === undefined ? {} : { nextAt }),
          runs: runs.map((run) => this.#seenRun(run)),
        };
      }),
    );
  }

  #due(environment: string, { asked, runs }: KeptJob, { at, now }: { at: Ms; now: Ms }): KeptRun {
    const { name, version, overlap, spec } = asked;
    const key = `${environment}/${name}@${new Date(at).toISOString()}`;
    const run: KeptRun = { key, at, by: "schedule", version };
    const isKnown = this.#options.see(key) !== undefined;
    const before = overlap === "skip" ? runs.find(({ key }) => this.#options.see(key)?.state === "running") : undefined;
    const skippedBecause =
      isKnown || (now - at <= lateMaxMs && before === undefined)
        ? undefined
        : before === undefined
          ? "its time passed while the host was down"
          : `the run of ${new Date(before.at).toISOString()} was still under way`;
    this.#options.log(`${key}: ${skippedBecause === undefined ? "started" : `skipped, ${skippedBecause}`}`);
    if (skippedBecause !== undefined) return { ...run, skippedBecause };
    this.#options.start({ ...spec, key });
    return run;
  }

  #seenRun({ skippedBecause, ...run }: KeptRun): SeenJobRun {
    if (skippedBecause !== undefined) return { ...run, state: "skipped", because: skippedBecause };
    const seen = this.#options.see(run.key);
    if (seen === undefined) return { ...run, state: "failed", because: "nothing is known of it any more" };
    const { startedAt } = seen;
    if (seen.state === "running") return { ...run, state: "running", startedAt };
    const { because, endedAt, exitCode } = seen;
    return {
      ...run,
      state: exitCode === 0 ? "succeeded" : "failed",
      because,
      startedAt,
      endedAt,
      ...(exitCode === undefined ? {} : { exitCode }),
    };
  }

  #save(): void {
    writeWhole(this.#file, JSON.stringify(this.#kept));
  }
}
