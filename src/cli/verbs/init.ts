// `sluice init`: a first configuration for the repository at hand.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface Options {
  readonly scripts?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function initVerb(program: Command): void {
  addVerb(program, {
    usage: "init",
    summary: "write a commented sluice.config.ts for this workspace",
    examples: ["sluice init", "sluice init --scripts", "sluice init --dry-run"],
    json: '{"root":"…","files":[{"path":"sluice.config.ts","change":"created","text":"…"}],"services":[{"name":"api","kind":"http",…}]}',
  })
    .option(
      "--scripts",
      "also add the npm scripts deploy:dev, deploy:staging, deploy:prod, deploy:rollback, logs, health:check",
    )
    .option("--force", "overwrite what is there")
    .option("--dry-run", "print what would be written, write nothing")
    .action(async ({ scripts, force, dryRun }: Options, command: Command) => {
      const { screen, cwd } = contextOf(command);
      const { planInit, writeInit } = await import("../../workspace/init/init.ts");
      const plan = await planInit(cwd, { withScripts: scripts === true, force: force === true });
      if (dryRun !== true) await writeInit(plan);
      screen.answer(plan);
      const { dim, green, bold } = screen.colors;
      for (const { path, change, text } of plan.files) {
        if (dryRun === true) screen.say(dim(`# ${path} (would be ${change})`), text);
        else screen.say(`${green("✓")} ${path} ${dim(change)}`);
      }
      if (dryRun === true) return;
      for (const { name, because } of plan.services) screen.say(`  ${bold(name)}  ${dim(because)}`);
      if (plan.services.length === 0) {
        screen.say(
          "",
          `Nothing here is deployed yet. Next: ${bold("npx sluice graph")}, ${bold("npx sluice run build")}`,
        );
        return;
      }
      screen.say(
        "",
        `Next: read sluice.config.ts, then run ${bold("npx sluice up")} and ${bold("npx sluice deploy local")}`,
      );
    });
}
