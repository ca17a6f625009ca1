// The verbs that steer a deployment under way: promote, pause, resume, abort, retry, approve and refuse. They differ in
// words only; the control plane decides whether the verb fits the state.
import type { Command } from "commander";
import { addVerb, contextOf, endWith } from "../verb.ts";

interface Options {
  readonly reason?: string;
  readonly full?: boolean;
  readonly wait?: boolean;
}

interface Steering {
  readonly name: "promote" | "pause" | "resume" | "abort" | "retry" | "approve" | "refuse";
  readonly summary: string;
  readonly example: string;
}

const steerings: readonly Steering[] = [
  {
    name: "promote",
    summary: "end the present wait with a yes; --full also those to come",
    example: "sluice promote production --full",
  },
  {
    name: "pause",
    summary: "stop a deployment before its next step",
    example: 'sluice pause production --reason "incident elsewhere"',
  },
  { name: "resume", summary: "go on after a pause", example: "sluice resume production" },
  {
    name: "abort",
    summary: "take a deployment back to where it began",
    example: 'sluice abort production --reason "wrong release" --wait',
  },
  {
    name: "retry",
    summary: "try again from the step that failed: where it is on hold, or, when it has ended, as a new deployment",
    example: "sluice retry production --wait",
  },
  { name: "approve", summary: "say yes to the approval that is waited for", example: "sluice approve production" },
  {
    name: "refuse",
    summary: "say no to it: the deployment goes back",
    example: 'sluice refuse production --reason "not today"',
  },
];

export function steerVerbs(program: Command): void {
  for (const steering of steerings) steerVerb(program, steering);
}

function steerVerb(program: Command, { name, summary, example }: Steering): void {
  const verb = addVerb(program, {
    usage: name,
    summary,
    examples: [example],
    json: '{"deployment":"…","environment":"…","now":"…"}',
  })
    .argument("[deployment]", "its id, or its environment; the only one under way unless named")
    .option("--reason <text>", "why; kept in the history")
    .option("--wait", "follow it to its end");
  if (name === "promote") verb.option("--full", "skip the waits that are to come, too");
  verb.action(async (named: string | undefined, options: Options, command: Command) => {
    const context = contextOf(command);
    const { steer } = await import("../steer.ts");
    endWith(await steer(context, { ...options, name, deployment: named }));
  });
}
