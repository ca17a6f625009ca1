import type { Command } from "commander";
import { expect, test } from "vitest";
import { exitCodes } from "./exit.ts";
import { makeProgram } from "./program.ts";

/** A verb with verbs of its own, as `sluice host`, is described by those. */
const verbs = makeProgram().commands.flatMap((verb) => (verb.commands.length > 0 ? verb.commands : [verb]));

function nameOf(verb: Command): string {
  return verb.parent?.parent ? `${verb.parent.name()} ${verb.name()}` : verb.name();
}

/** What `sluice VERB --help` prints, at a fixed width. */
function helpOf(verb: Command): string {
  let text = "";
  verb
    .configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 100 })
    .configureHelp({ showGlobalOptions: false });
  verb.outputHelp();
  return text.trim();
}

function referencePage(): string {
  const statuses = Object.values(exitCodes).map(({ status, means }) => `| ${status} | ${means} |`);
  return `# The command \`sluice\`

Every verb takes \`--json\` (one JSON document instead of text), \`--verbose\`, \`-C FOLDER\` and \`--data FOLDER\`, and prints an
example with \`--help\`. A verb that talks to a control plane takes the one that \`--server URL\` or \`SLUICE_SERVER\` names, else the
one of the data folder (\`.sluice\` beside \`sluice.config.ts\`, or \`SLUICE_DATA\`), else the one of the latest \`sluice login\`;
\`SLUICE_TOKEN\` stands for a sign-in, and \`--ca FILE\` or \`SLUICE_CA\` names a private certificate authority. Colours are for
terminals; \`NO_COLOR\` turns them off. This page is made from the verbs.

## Exit statuses

| status | means |
|---|---|
${statuses.join("\n")}

With \`--json\`, a problem is printed as \`{"problem":{"so":"…","mend":"…"}}\`.

${verbs.map((verb) => `## sluice ${nameOf(verb)}\n\n\`\`\`text\n${helpOf(verb)}\n\`\`\`\n`).join("\n")}`;
}

test("the reference page is made from the verbs", async () => {
  await expect(referencePage()).toMatchFileSnapshot("../../docs/cli.md");
});

test("every verb says what it does and shows an example", () => {
  const silent = verbs.filter((verb) => verb.summary() === "" || !/\n {2}\$ /.test(helpOf(verb)));
  expect(silent.map(nameOf)).toEqual([]);
});
