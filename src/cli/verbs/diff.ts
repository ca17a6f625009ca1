// `sluice diff`: what differs between two releases.
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

export function diffVerb(program: Command): void {
  addVerb(program, {
    usage: "diff <from> <to>",
    summary: "what differs between two releases: code, configuration, migrations, names of values and secrets",
    examples: ["sluice diff production staging", "sluice diff v1.3.0 v1.4.0 --json"],
    json: '{"from":{…},"to":{…},"code":[{"service":"api","change":"changed",…}],"config":[…],"migrations":[…],"values":[…]}',
  })
    .addHelpText("after", "FROM and TO are releases, by id or version, or environments: the release that stands there.")
    .action(async (from: string, to: string, _: object, command: Command) => {
      const context = contextOf(command);
      const { screen, cwd } = context;
      const { findControlPlane, openApi } = await import("../api-client.ts");
      const { commitsBetween } = await import("../../workspace/git/commits.ts");
      const { diffLines } = await import("../print/diff.ts");
      const { diff } = await openApi(await findControlPlane(context)).ask("diff", { query: { from, to } });
      const commits = await commitsBetween(cwd, diff.from.commit, diff.to.commit);
      screen.say(...diffLines(diff, commits, screen.colors));
      screen.answer({ ...diff, ...(commits === undefined ? {} : { commits }) });
    });
}
