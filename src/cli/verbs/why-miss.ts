// `sluice why-miss`: what made a key another than last time.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

export function whyMissVerb(program: Command): void {
  addVerb(program, {
    usage: "why-miss <tasks...>",
    summary: "tell why tasks are not in the cache, part by part of their keys",
    examples: ["sluice why-miss web#build", "sluice why-miss build"],
    json: '[{"id":"web#build","state":"miss","differences":["source apps/web/src/a.ts changed"]}]',
  })
    .option("--cache-dir <folder>", "where results are kept (default: .sluice/cache)")
    .action(async (tasks: string[], { cacheDir }: { cacheDir?: string }, command: Command) => {
      const { explainMisses } = await import("../workspace/explain-misses.ts");
      const { screen, cwd } = contextOf(command);
      const found = await explainMisses(cwd, tasks, cacheDir);
      screen.answer(found);
      for (const { id, ...why } of found) {
        if (why.state === "hit") screen.say(`${id}  cached`);
        else if (why.state === "never") screen.say(`${id}  has never been kept in this cache`);
        else screen.say(`${id}  differs from ${why.other.slice(0, 12)} in`, ...why.differences.map((d) => `  ${d}`));
      }
    });
}
