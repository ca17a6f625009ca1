// `sluice doctor`: what is amiss on this machine, and how to mend it.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

export function doctorVerb(program: Command): void {
  addVerb(program, {
    usage: "doctor",
    summary: "examine this machine, the configuration and the control plane",
    examples: ["sluice doctor"],
    json: '{"findings":[{"about":"Node","is":"good","so":"20.20.2"}]}',
  }).action(async (_options: object, command: Command) => {
    const context = contextOf(command);
    const { examine } = await import("../doctor.ts");
    const { columns } = await import("../print/text.ts");
    const findings = await examine(context);
    const { screen } = context;
    const { green, yellow, red, dim } = screen.colors;
    const sign = { good: green("✓"), warn: yellow("!"), bad: red("✗") };
    const rows = columns(findings.map(({ about, is, so }) => [`${sign[is]} ${about}`, so.split("\n")[0] ?? so]));
    screen.say(
      ...rows.flatMap((row, i) => [row, ...(findings[i]?.mend === undefined ? [] : [dim(`  → ${findings[i].mend}`)])]),
    );
    screen.answer({ findings });
    if (findings.some(({ is }) => is === "bad")) endWith("failed");
  });
}
