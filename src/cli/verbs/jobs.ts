// `sluice jobs` lists what runs by schedule or by hand; `sluice job run` and `sluice job logs` start one and read it.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function jobsVerb(program: Command): void {
  addVerb(program, {
    usage: "jobs [environment]",
    summary: "jobs of what stands: their schedules, next times and latest runs",
    examples: ["sluice jobs", "sluice jobs production --json"],
    json: '{"jobs":[{"environment":"production","name":"cleanup","cron":"0 3 * * *","zone":"UTC","nextAt":…,"runs":[…]}]}',
  }).action(async (environment: string | undefined, _options: object, command: Command) => {
    const context = contextOf(command);
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const { jobLines } = await import("../print/jobs.ts");
    const { jobs } = await openApi(await findControlPlane(context)).ask("listJobs", { query: { environment } });
    context.screen.answer({ jobs });
    context.screen.say(...jobLines(jobs, { now: Date.now(), colors: context.screen.colors }));
  });
}

export function jobVerb(program: Command): void {
  const job = program.command("job").summary("one job: run it now, read what it printed");
  job.description("Jobs are named in sluice.config.ts and run from what stands in an environment.");
  runVerb(job);
  logsVerb(job);
}

function runVerb(job: Command): void {
  addVerb(job, {
    usage: "run <environment> <job>",
    summary: "run a job now and wait for its end; exits with 1 when it fails",
    examples: ["sluice job run production cleanup", "sluice job run staging seed --detach"],
    json: '{"run":{"key":"…","state":"succeeded","exitCode":0,…},"lines":["…"]}',
  })
    .option("--detach", "do not wait for the end")
    .action(async (environment: string, name: string, { detach }: { detach?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { runJob } = await import("../run-job.ts");
      const api = openApi(await findControlPlane(context));
      endWith(await runJob(api, context.screen, { environment, name, key: randomUUID(), detach: detach === true }));
    });
}

function logsVerb(job: Command): void {
  addVerb(job, {
    usage: "logs <environment> <job>",
    summary: "what the latest run of a job printed, and how it ended",
    examples: ["sluice job logs production cleanup"],
    json: '{"run":{"key":"…","state":"failed","because":"exited with code 1 after 2.1 s",…},"lines":["…"]}',
  }).action(async (environment: string, name: string, _options: object, command: Command) => {
    const context = contextOf(command);
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const { latestRun, sayRun } = await import("../run-job.ts");
    const api = openApi(await findControlPlane(context));
    const seen = await latestRun(api, { environment, name });
    context.screen.say(...seen.lines);
    sayRun(context.screen, seen);
  });
}
