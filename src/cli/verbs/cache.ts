// `sluice cache`: what is kept, and how to be rid of it.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Problem } from "../../domain/problem.ts";
import { addVerb, contextOf } from "../verb.ts";

interface PruneOptions {
  readonly size?: string;
  readonly age?: string;
}

const tokenHelp = `
The control plane serves Turborepo's cache API, for \`sluice run\` and \`turbo\` alike:

  TURBO_API=<its URL> TURBO_TOKEN=<the token> TURBO_TEAM=team_any sluice run build

What a build may write follows from its token: one without --untrusted writes for everybody, so give it to protected
branches only. An untrusted one reads what trusted builds wrote, and writes for itself alone.
`;

export function cacheVerb(program: Command): void {
  const cache = program
    .command("cache")
    .summary("list, prune or clear the results that are kept")
    .description("results of tasks");
  addVerb(cache, {
    usage: "ls",
    summary: "list what is kept, longest unused first",
    examples: ["sluice cache ls"],
    json: '[{"key":"9fe42b41…","task":"web#build","shelf":"trusted","bytes":1433,"usedAtMs":1795284000000}]',
  }).action(async (_: unknown, command: Command) => {
    const { screen, cwd } = contextOf(command);
    const { readEntry } = await import("../../workspace/cache/store.ts");
    const { listStore } = await import("../../workspace/cache/upkeep.ts");
    const found = listStore(await folder(cwd)).map((e) => ({ ...e, task: readEntry(e.file)?.task ?? "unreadable" }));
    screen.answer(found.map(({ key, task, shelf, bytes, usedAtMs }) => ({ key, task, shelf, bytes, usedAtMs })));
    for (const e of found) {
      const from = e.shelf === "trusted" ? "" : `  ${e.shelf}`;
      screen.say(`${e.key.slice(0, 12)}  ${size(e.bytes).padStart(9)}  ${day(e.usedAtMs)}  ${e.task}${from}`);
    }
    screen.say(`${found.length} entries, ${size(found.reduce((sum, e) => sum + e.bytes, 0))}`);
  });
  addVerb(cache, {
    usage: "prune",
    summary: "remove what is old or too much; runs do the same once a day",
    examples: ["sluice cache prune", "sluice cache prune --size 2048 --age 3"],
    json: '{"removed":12,"bytes":1048576}',
  })
    .option("--size <MiB>", "keep at most this much (default: pipeline.cache.sizeMax, else 10240)")
    .option("--age <days>", "remove what was not used for so long (default: pipeline.cache.ageMax, else 14)")
    .action(async ({ size: mib, age }: PruneOptions, command: Command) => {
      const { screen, cwd } = contextOf(command);
      const { prune } = await import("../../workspace/cache/upkeep.ts");
      const kept = await configured(cwd);
      const limits = {
        sizeMaxBytes: mib === undefined ? kept.sizeMaxBytes : positive(mib, "--size") * 2 ** 20,
        ageMaxMs: age === undefined ? kept.ageMaxMs : positive(age, "--age") * 86_400_000,
      };
      const where = await folder(cwd);
      const gone = cleaned(where, () => prune(where, { ...limits, nowMs: Date.now() }));
      screen.answer({ removed: gone.length, bytes: gone.reduce((sum, e) => sum + e.bytes, 0) });
      screen.say(`removed ${gone.length} entries, ${size(gone.reduce((sum, e) => sum + e.bytes, 0))}`);
    });
  addVerb(cache, {
    usage: "token",
    summary: "make a token with which builds share results through this control plane",
    examples: ["sluice cache token", "sluice cache token --untrusted pull-requests --days 365"],
    json: '{"url":"https://sluice.example.com","token":"sluicegrant_…","expiresAt":1803056034385}',
  })
    .addHelpText("after", tokenHelp)
    .option("--untrusted <name>", "for builds whose code nobody has reviewed: pull requests, forks")
    .option("--days <n>", "how long it is good for", "90")
    .action(async ({ untrusted, days }: { untrusted?: string; days: string }, command: Command) => {
      const context = contextOf(command);
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const api = openApi(await findControlPlane(context));
      const body = { ...(untrusted === undefined ? {} : { untrusted }), days: positive(days, "--days") };
      const made = await api.ask("cacheToken", { body });
      context.screen.answer({ url: api.url, ...made });
      context.screen.say(`TURBO_API=${api.url}\nTURBO_TOKEN=${made.token}`);
    });
  addVerb(cache, {
    usage: "clear",
    summary: "remove all results and what is remembered of outputs",
    examples: ["sluice cache clear"],
    json: '{"cleared":true}',
  }).action(async (_: unknown, command: Command) => {
    const { screen, cwd } = contextOf(command);
    const { findRoot } = await import("../../workspace/graph/layout.ts");
    const { clearStore } = await import("../../workspace/cache/upkeep.ts");
    const where = await folder(cwd);
    cleaned(where, () => {
      clearStore(where);
      rmSync(join(findRoot(cwd), ".sluice", "outputs"), { recursive: true, force: true });
    });
    screen.answer({ cleared: true });
    screen.say("the cache is empty");
  });
}

function cleaned<T>(where: string, clean: () => T): T {
  try {
    return clean();
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new Problem(`${where} could not be cleaned: ${because}`, "See to its rights, or remove it by hand");
  }
}

async function configured(cwd: string) {
  const { findRoot, readWholeShape } = await import("../../workspace/graph/layout.ts");
  const { limitsOf } = await import("../../workspace/cache/settings.ts");
  const root = findRoot(cwd);
  const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined);
  return limitsOf((await readWholeShape(root, read)).pipeline?.cache);
}

async function folder(cwd: string): Promise<string> {
  const { findRoot } = await import("../../workspace/graph/layout.ts");
  const { cacheFolder } = await import("../../workspace/cache/settings.ts");
  return cacheFolder(findRoot(cwd));
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (value >= 0) return value;
  throw new Problem(`${option} ${text} is not a number`, `Write for example ${option} 100`);
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}
