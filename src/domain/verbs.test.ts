import { expect, test } from "vitest";
import type { Event, Fact } from "./event.ts";
import { type Intent, plan } from "./plan.ts";
import { fold, type Run } from "./run.ts";
import type { ApprovalPolicy, CanaryStep } from "./strategy.ts";
import { type Asked, decide, type VerbName } from "./verbs.ts";

const bake: CanaryStep = { kind: "bake", lastsMs: 60_000, checks: [], withinMs: 120_000 };
const approval = (policy: ApprovalPolicy): CanaryStep => ({ kind: "approve", policy, withinMs: 60_000 });

function runWith(gates: readonly CanaryStep[], ...facts: readonly Fact[]): Run {
  const intent: Intent = {
    services: {
      web: {
        revision: "web-2",
        size: 1,
        serves: true,
        strategy: { kind: "canary", steps: [{ kind: "setWeight", weight: 10 }, ...gates] },
        dependsOn: [],
        withinMs: 60_000,
        preview: [],
      },
    },
    verify: [],
    onFailure: "hold",
    hold: { withinMs: 60_000, onDeadline: "rollback" },
  };
  const stands = { web: "web-1" };
  const all: Fact[] = [
    { kind: "requested", environment: "production", release: { id: "r", version: "2" }, intent, by: "Ana" },
    ...(facts[0]?.kind === "abort asked" ? [] : [{ kind: "planned", plan: plan(intent, stands), stands } as const]),
    ...facts,
  ];
  const run = fold(all.map((fact, position) => event(fact, position)));
  if (run === undefined) throw new Error("no run");
  return run;
}

function event(fact: Fact, position: number): Event {
  const chain = { previous: "", hash: "" };
  return { schema: 1, workspace: "w", deployment: "d-1", position, seq: position + 1, at: position, ...chain, fact };
}

const at = (step: number) => ({ node: "web", step });
const toGate: Fact[] = [0, 1].map((step) => ({ kind: "step done", ...at(step) }));
const anybody: ApprovalPolicy = { roles: [], quorum: 1 };
const leads: ApprovalPolicy = { roles: ["lead"], quorum: 2 };
const held: Fact = { kind: "on hold", ...at(2), because: "too few requests" };

const queued = fold([
  event(
    {
      kind: "requested",
      environment: "production",
      release: { id: "r", version: "2" },
      intent: runWith([]).intent,
      by: "Ana",
    },
    0,
  ),
])!;
const states: Record<string, Run> = {
  queued,
  moving: runWith([bake]),
  baking: runWith([bake], ...toGate),
  "at a manual gate": runWith([approval(anybody)], ...toGate),
  "at an approval": runWith([approval(leads)], ...toGate),
  "before an approval": runWith([bake, approval(leads)], ...toGate),
  paused: runWith([bake], ...toGate, { kind: "paused", by: "Ana" }),
  "on hold": runWith([bake], ...toGate, held),
  "going back": runWith([bake], ...toGate, { kind: "abort asked", by: "Ana", reason: "no" }),
  ended: runWith([bake], { kind: "ended", outcome: "succeeded", stands: {} }),
};
const verbs: readonly (VerbName | "promote --full")[] = [
  "promote",
  "promote --full",
  "pause",
  "resume",
  "abort",
  "retry",
  "approve",
  "refuse",
];

function asking(verb: VerbName | "promote --full", by: Asked["by"] = { name: "Ben", roles: "every" }): Asked {
  return verb === "promote --full" ? { verb: "promote", full: true, by } : { verb, by };
}

test("which verb is legal in which state", () => {
  const table = Object.entries(states).map(([name, run]) => {
    const legal = verbs.filter((verb) => decide(run, asking(verb)).kind === "legal");
    return `${name.padEnd(18)} ${legal.join(", ")}`.trim();
  });
  expect(table.join("\n")).toMatchInlineSnapshot(`
    "queued             abort
    moving             promote --full, pause, abort
    baking             promote, promote --full, pause, abort
    at a manual gate   promote, promote --full, pause, abort, approve, refuse
    at an approval     pause, abort, approve, refuse
    before an approval promote, pause, abort
    paused             promote, promote --full, resume, abort
    on hold            promote, promote --full, pause, abort, retry
    going back
    ended"
  `);
});

test("what is not legal is told in a plain sentence with its mend", () => {
  const told = (state: string, verb: VerbName | "promote --full", by?: Asked["by"]) => {
    const decision = decide(states[state]!, asking(verb, by));
    return decision.kind === "illegal" ? `${decision.because}\n  → ${decision.mend}` : decision.fact;
  };
  expect(
    [
      told("queued", "promote"),
      told("moving", "promote"),
      told("before an approval", "promote --full"),
      told("at an approval", "promote"),
      told("at an approval", "approve", { name: "Cem", roles: ["developer"] }),
      told("paused", "pause"),
      told("on hold", "resume"),
      told("baking", "retry"),
      told("baking", "refuse"),
      told("going back", "abort"),
      told("ended", "pause"),
    ].join("\n"),
  ).toMatchInlineSnapshot(`
    "d-1 has not begun: it waits for its turn in production, so there is nothing to promote
      → \`sluice abort\` takes it out of the queue
    d-1 waits for nothing just now: it is moving
      → Ask again when it waits, or use \`--full\` to skip the waits that are to come
    d-1 has an approval ahead that asks for 2 people of lead
      → Let them say yes with \`sluice approve\`; promote skips no approval
    d-1 has an approval ahead that asks for 2 people of lead
      → Let them say yes with \`sluice approve\`; promote skips no approval
    d-1 asks for 2 people of lead, and Cem has no such role
      → Ask somebody who has
    d-1 is paused already, by Ana
      → \`sluice resume\` goes on
    d-1 is not paused
      → It is on hold: \`sluice promote\`, \`sluice retry\` or \`sluice abort\`
    d-1 is not on hold: there is nothing to try again
      → Look at \`sluice status\`
    d-1 waits for no approval just now
      → To take it back, use \`sluice abort\`
    d-1 is going back already: no
      → Wait for its end with \`sluice watch\`
    d-1 has ended (succeeded): there is nothing to pause
      → Deploy again, or \`sluice rollback\`"
  `);
});

test("a second yes of the same person does not count towards a quorum", () => {
  const lead = { name: "Lea", roles: ["lead"] };
  const first = decide(states["at an approval"]!, asking("approve", lead));
  expect(first).toEqual({ kind: "legal", fact: { kind: "approved", ...at(2), by: "Lea", roles: ["lead"] } });
  const once = runWith([approval(leads)], ...toGate, { kind: "approved", ...at(2), by: "Lea", roles: ["lead"] });
  expect(decide(once, asking("approve", lead))).toMatchObject({
    kind: "illegal",
    because: "Lea has approved d-1 already",
  });
});
