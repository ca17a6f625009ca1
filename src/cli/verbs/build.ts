// `sluice build`, `sluice repository`, `sluice runner`: builds without a CI system, by runners apart from the server.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Problem } from "../../domain/problem.ts";
import { addVerb, contextOf } from "../verb.ts";

interface RepositoryOptions {
  readonly run: string[];
  readonly on: string[];
  readonly trust: string[];
  readonly label: string[];
  readonly all?: boolean;
  readonly schedule?: string;
}

export function repositoryVerb(program: Command): void {
  const repository = program
    .command("repository")
    .summary("repositories that runners build: on pushes, by a schedule, or when asked")
    .description("Repositories that runners build");
  addVerb(repository, {
    usage: "add <name> <url>",
    summary: "have a repository built; again to change how",
    examples: [
      "sluice repository add shop https://github.com/acme/shop.git",
      'sluice repository add shop git@github.com:acme/shop.git --run lint test build --on main "release/*" --schedule "0 3 * * *"',
    ],
    json: '{"hook":"http://127.0.0.1:7070/hooks/shop","secret":"…"}',
  })
    .option("--run <task...>", "what is run of what a change affects", ["lint", "typecheck", "test", "build"])
    .option("--all", "run it for all projects, affected or not")
    .option("--on <branch...>", "branches whose pushes are built; * stands for any characters", ["main"])
    .option("--trust <branch...>", "branches whose code was reviewed: only their builds see secrets", ["main"])
    .option("--label <label...>", "what a runner must have", [])
    .option("--schedule <cron>", "also at these times, UTC")
    .action(async (name: string, url: string, options: RepositoryOptions, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const api = openApi(await findControlPlane(context));
      const { run, on, trust, label, all, schedule } = options;
      const body = { url, tasks: run, branches: on, trusted: trust, labels: label, affected: all !== true };
      const scheduled = schedule === undefined ? {} : { schedule };
      const { hook, secret } = await api.ask("putRepository", {
        params: { repository: name },
        body: { ...body, ...scheduled },
      });
      const { startLocalRunner } = await import("../local-runner.ts");
      await startLocalRunner(context);
      context.screen.answer({ hook: `${api.url}${hook}`, secret });
      context.screen.say(
        `${context.screen.colors.green("✓")} ${name} is built on pushes to ${on.join(", ")}`,
        `  Webhook of your git server: ${api.url}${hook} (JSON; pushes), with the secret ${secret}`,
        `  Now: sluice build run ${name}`,
      );
    });
  addVerb(repository, {
    usage: "ls",
    summary: "list them",
    examples: ["sluice repository ls"],
    json: '{"repositories":[…]}',
  }).action(async (_: object, command: Command) => {
    const context = contextOf(command);
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const { repositories } = await openApi(await findControlPlane(context)).ask("listRepositories");
    context.screen.answer({ repositories });
    for (const { name, url, tasks, branches } of repositories)
      context.screen.say(`${name}  ${url}  ${tasks.join(" ")}  on ${branches.join(", ")}`);
    if (repositories.length === 0) context.screen.say("There are none: sluice repository add <name> <url>");
  });
  addVerb(repository, {
    usage: "secret <name> <file>",
    summary: "what builds of trusted branches find in their environment, from NAME=value lines; - is standard input",
    examples: ["sluice repository secret shop ci.env", "echo GIT_TOKEN=$TOKEN | sluice repository secret shop -"],
    json: '{"names":["NPM_TOKEN"]}',
  }).action(async (name: string, file: string, _: object, command: Command) => {
    const context = contextOf(command);
    const { parseEnv } = await import("node:util");
    const values = parseEnv(textOf(file === "-" ? 0 : resolve(context.cwd, file)));
    if (Object.keys(values).length === 0)
      throw new Problem(
        `${file === "-" ? "standard input" : file} has no NAME=value line`,
        "Write one for each secret",
      );
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const api = openApi(await findControlPlane(context));
    const { names } = await api.ask("putRepositorySecrets", { params: { repository: name }, body: { values } });
    context.screen.answer({ names });
    context.screen.say(`${context.screen.colors.green("✓")} ${name} has ${names.join(", ")}`);
  });
}

export function buildVerb(program: Command): void {
  const build = program
    .command("build")
    .summary("builds by runners: ask for one, follow it, stop it")
    .description("Builds");
  addVerb(build, {
    usage: "run <repository>",
    summary: "have a runner build it now, and follow what it prints",
    examples: ["sluice build run shop", "sluice build run shop --ref refs/pull/7/head --task test"],
    json: '{"build":{"id":"b-…","state":"succeeded",…}}',
  })
    .option("--ref <ref>", "a branch, or another ref with its whole name (default: its first branch)")
    .option("--task <task...>", "instead of what the repository runs")
    .option("--detach", "do not wait for it")
    .action(async (name: string, options: { ref?: string; task?: string[]; detach?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const api = openApi(await findControlPlane(context));
      const { ref, task, detach } = options;
      const body = {
        repository: name,
        ...(ref === undefined ? {} : { ref: ref.startsWith("refs/") ? ref : `refs/heads/${ref}` }),
        ...(task === undefined ? {} : { tasks: task }),
      };
      const { build: asked } = await api.ask("build", { body });
      const { followBuild } = await import("../builds.ts");
      await followBuild(api, asked.id, { screen: context.screen, isDetached: detach === true });
    });
  addVerb(build, {
    usage: "ls",
    summary: "builds, newest first",
    examples: ["sluice build ls", "sluice build ls --limit 100 --json"],
    json: '{"builds":[…]}',
  })
    .option("--limit <count>", "how many", "20")
    .action(async ({ limit }: { limit: string }, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { buildLine } = await import("../builds.ts");
      const { builds } = await openApi(await findControlPlane(context)).ask("listBuilds", {
        query: { limit: count(limit, "--limit") },
      });
      context.screen.answer({ builds });
      context.screen.say(...builds.map((one) => buildLine(one, context.screen.colors)));
    });
  addVerb(build, {
    usage: "log <build>",
    summary: "what it prints, until it has ended",
    examples: ["sluice build log b-0123456789"],
    json: '{"build":{…}}',
  }).action(async (id: string, _: object, command: Command) => {
    const context = contextOf(command);
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const { followBuild } = await import("../builds.ts");
    await followBuild(openApi(await findControlPlane(context)), id, { screen: context.screen, isDetached: false });
  });
  addVerb(build, {
    usage: "cancel <build>",
    summary: "stop it",
    examples: ["sluice build cancel b-0123456789"],
    json: '{"build":{…}}',
  }).action(async (id: string, _: object, command: Command) => {
    const context = contextOf(command);
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const { buildLine } = await import("../builds.ts");
    const { build: stopped } = await openApi(await findControlPlane(context)).ask("cancelBuild", { params: { id } });
    context.screen.answer({ build: stopped });
    context.screen.say(buildLine(stopped, context.screen.colors));
  });
}

interface RunnerVerbOptions {
  readonly url?: string;
  readonly work?: string;
  readonly user?: string;
  readonly once?: boolean;
}

export function runnerVerb(program: Command): void {
  const runner = addVerb(program, {
    usage: "runner",
    summary: "take builds and run them here, until Ctrl-C; its token stands in SLUICE_RUNNER_TOKEN",
    examples: [
      "sluice runner",
      "SLUICE_RUNNER_TOKEN=… sluice runner --url https://sluice.example.com --user builder",
      "sluice runner token linux-1 --label linux --label gpu",
    ],
  })
    .option("--url <url>", "the control plane (default: the one that verbs drive from here)")
    .option("--work <folder>", "where builds are made, this runner's alone (default: runner in the data folder)")
    .option("--user <name>", "who builds run as; the runner must be root for it")
    .option("--once", "end after one build")
    .action(async (options: RunnerVerbOptions, command: Command) => {
      const context = contextOf(command);
      const { runHere } = await import("../local-runner.ts");
      await runHere(context, options);
    });
  addVerb(runner, {
    usage: "token <name>",
    summary: "make a token with which a runner takes builds, and nothing else",
    examples: ["sluice runner token linux-1 --label linux"],
    json: '{"token":"sluicegrant_…","expiresAt":1795000000000}',
  })
    .option("--label <label...>", "what it has; builds that want more are not for it", [])
    .option("--days <n>", "how long it is good for", "365")
    .action(async (name: string, { label, days }: { label: string[]; days: string }, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const body = { name, labels: label, days: count(days, "--days") };
      const made = await openApi(await findControlPlane(context)).ask("runnerToken", { body });
      context.screen.answer(made);
      context.screen.say(made.token);
    });
}

function textOf(file: string | 0): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(`${file} cannot be read: ${why}`, "Name a file with NAME=value lines, or - for standard input");
  }
}

function count(text: string, option: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Problem(`${option} ${text} is not a number`, `Write for example ${option} 100`);
}
