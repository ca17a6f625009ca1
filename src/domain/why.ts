// Why a deployment did what it did: each decision with the numbers it rested on, and made again from what was recorded.
import { canonical } from "./canonical.ts";
import type { At, Event, Fact, FactOf } from "./event.ts";
import type { Ms } from "./frame.ts";
import { minutes } from "./minutes.ts";
import { follows } from "./next.ts";
import { plan } from "./plan.ts";
import { tell } from "./prose.ts";
import { walks } from "./retreat.ts";
import type { Run } from "./run.ts";
import { assess, type Seen } from "./seen.ts";
import { type Asked as AskedVerb, decide, type VerbName } from "./verbs.ts";
import { type Condition, nameOf, sees, tellCondition } from "./watch.ts";
import { askedAt, seenInputs, stateInputs, stepAt, stepInputs, turnInputs } from "./why-inputs.ts";

export interface Why extends Partial<At> {
  readonly position: number;
  readonly at: Ms;
  readonly kind: Fact["kind"];
  /** What was decided, as the history tells it. */
  readonly decision: string;
  /** What decided it, a line for each input. */
  readonly inputs: readonly string[];
  readonly replay: Replay;
}

export type Replay =
  | { readonly result: "same" }
  | { readonly result: "differs"; readonly instead: string }
  /** It cannot be made again, and why not. */
  | { readonly result: "not replayed"; readonly because: string };

/** A decision as it stands in the journal: the state before it, and the state after. */
export interface Decided<F extends Fact = Fact> {
  readonly event: Event;
  readonly fact: F;
  readonly before: Run;
  readonly after: Run;
}

export const same: Replay = { result: "same" };

export function differs(instead: string): Replay {
  return { result: "differs", instead };
}

export function whyOf(decided: Decided, found: Pick<Why, "inputs" | "replay">): Why {
  const { event, fact, after } = decided;
  const at = "node" in fact ? { node: fact.node, step: fact.step } : {};
  return { position: event.position, at: event.at, kind: fact.kind, ...at, decision: tell(fact, after), ...found };
}

/** Made again from the facts alone; undefined where evidence or other deployments are needed. */
export function fromFacts(decided: Decided): Pick<Why, "inputs" | "replay"> | undefined {
  const { fact, before } = decided;
  switch (fact.kind) {
    case "requested":
    case "judged":
    case "superseded":
    case "budget spent":
      return undefined;
    case "planned":
      return planned({ ...decided, fact });
    case "triggered":
      return triggered({ ...decided, fact });
    case "step done":
    case "step failed":
      return { inputs: stepInputs(before, fact, fact.seen), replay: steppedAgain(decided, fact) };
    case "walked back":
      return walked({ ...decided, fact });
    case "approved":
    case "refused":
    case "paused":
    case "unpaused":
    case "promoted":
    case "abort asked":
    case "retried":
      return { inputs: stateInputs(before), replay: askedAgain(before, fact) };
    case "on hold":
    case "retreat":
    case "given up":
    case "ended":
      return { inputs: turnInputs(decided), replay: followsAgain(decided) };
    case "job started":
      return { inputs: [], replay: notReplayed("a job is started when its step is reached") };
    case "resumed":
      return {
        inputs: [`nobody looked for ${minutes(fact.gapMs)}`],
        replay: notReplayed("a worker's own clock says so"),
      };
    case "return asked":
    case "return refused":
      return {
        inputs: [],
        replay: notReplayed("the way back was chosen when it was asked for: see why of that deployment"),
      };
  }
}

export function notReplayed(because: string): Replay {
  return { result: "not replayed", because };
}

function planned({ fact, before }: Decided<FactOf<"planned">>): Pick<Why, "inputs" | "replay"> {
  const stood = Object.entries(fact.stands).map(([name, revision]) => `${name} stood on ${revision}`);
  const again = plan(before.intent, fact.stands);
  const isSame = json(again) === json(fact.plan);
  return {
    inputs: stood.length === 0 ? ["nothing stood here"] : stood,
    replay: isSame ? same : differs("another plan"),
  };
}

/** A time that the database wrote is a little later than the worker's own, or, where clocks disagree, earlier. */
const clocksApartMs: readonly Ms[] = [0, 1000, 15_000];

function followsAgain({ event, fact, before }: Decided): Replay {
  const next = clocksApartMs.map((ms) => follows(before, event.at + ms));
  if (next.some((one) => one !== undefined && isAlike(one, fact))) return same;
  const found = next.find((one) => one !== undefined);
  if (fact.kind === "ended" && before.phase.kind === "queued")
    return notReplayed("the target said what it can do before anything was planned");
  return differs(found === undefined ? "nothing would follow yet" : tell(found, before));
}

function steppedAgain(decided: Decided, fact: FactOf<"step done" | "step failed">): Replay {
  const { before } = decided;
  const step = stepAt(before, fact);
  if (fact.seen !== undefined) return seenAgain(decided, fact, fact.seen);
  if (step?.kind === "job") return notReplayed("the job's own answer, kept with its run: sluice jobs");
  if (step?.kind === "set" && follows(before, decided.event.at) === undefined)
    return notReplayed("what the target reported was not kept");
  return followsAgain(decided);
}

/** Held is done; broken, or not held in its time, is failed. */
function seenAgain({ event, before }: Decided, fact: FactOf<"step done" | "step failed">, seen: Seen): Replay {
  if (fact.kind === "step failed" && brokenIn(before, seen).includes(fact.because)) return same;
  const asked = askedAt(before, fact);
  const step = stepAt(before, fact);
  if (asked === undefined || step === undefined) return differs("nothing was broken");
  const found = assess(seen, asked);
  const words = found.kind === "held" ? "it is as it was asked for" : found.because;
  if (fact.kind === "step done") return found.kind === "held" ? same : differs(words);
  const waitedMs = event.at + 1000 - (before.nodes[fact.node]?.since ?? event.at);
  const fails = found.kind === "broken" || (found.kind === "waiting" && waitedMs >= step.withinMs);
  return fails ? same : differs(words);
}

/** Candidates that break down are failures, wherever the deployment is. */
function brokenIn({ plan: frozen }: Run, { revisions }: Seen): readonly string[] {
  return Object.values(frozen?.services ?? {}).flatMap(({ candidate }) => {
    const broken = revisions[candidate]?.broken;
    return broken === undefined ? [] : [`${candidate}: ${broken}`];
  });
}

function walked({ fact, before }: Decided<FactOf<"walked back">>): Pick<Why, "inputs" | "replay"> {
  const service = before.plan?.services[fact.service];
  const task = walks(before).find(
    (one) => one.kind === "walk" && one.service === fact.service && one.index === fact.index,
  );
  if (service === undefined || task?.kind !== "walk")
    return { inputs: [], replay: differs("there is no such step back") };
  if (fact.seen === undefined) return { inputs: [], replay: notReplayed("what the target reported was not kept") };
  const { size, unavailable, failureShare = 0 } = service;
  const asked = { frame: task.frame, rely: task.rely, size, unavailable, failureShare };
  const again = assess(fact.seen, asked);
  const replay = again.kind === "held" ? same : differs(again.because);
  return { inputs: seenInputs(before, asked, fact.seen), replay };
}

function triggered({ fact, before }: Decided<FactOf<"triggered">>): Pick<Why, "inputs" | "replay"> {
  const watch = before.plan?.watch;
  const condition = watch?.conditions.find((one) => isNamed(one, fact));
  if (watch === undefined || condition === undefined)
    return { inputs: [], replay: differs("there is no such condition") };
  const { sight, heldMs = 0 } = fact;
  const inputs = [
    `condition: ${tellCondition(condition)}`,
    ...fact.findings.map(({ because }) => because),
    ...(sight === undefined ? [] : [`it had held for ${minutes(heldMs)} of ${minutes(condition.forMs)}`]),
    watch.manualApprovalRequired ? "a person is asked first (manualApprovalRequired)" : "nobody is asked first",
  ];
  if (sight === undefined) return { inputs, replay: notReplayed("what was looked at was not kept") };
  const seen = sees(condition, sight);
  const isSame = seen?.holds === true && heldMs >= condition.forMs && fact.asks === watch.manualApprovalRequired;
  return { inputs, replay: isSame ? same : differs(seen?.because ?? "nothing is known") };
}

function isNamed(condition: Condition, { condition: name, sight }: FactOf<"triggered">): boolean {
  return nameOf(condition, sight?.service) === name;
}

const verbOf = {
  approved: "approve",
  refused: "refuse",
  paused: "pause",
  unpaused: "resume",
  promoted: "promote",
  "abort asked": "abort",
  retried: "retry",
} as const satisfies Partial<Record<Fact["kind"], VerbName>>;

/** Whether the person might. */
function askedAgain(before: Run, fact: FactOf<keyof typeof verbOf>): Replay {
  const roles = "roles" in fact ? fact.roles : [];
  const full = fact.kind === "promoted" ? { full: fact.full } : {};
  const asked: AskedVerb = { verb: verbOf[fact.kind], by: { name: fact.by, roles }, ...full };
  const decision = decide(before, asked);
  return decision.kind === "legal" ? same : differs(`it would be refused: ${decision.because}`);
}

/** A fact of an earlier version lacks what has come since: what it does say is compared. */
function isAlike(again: Fact, fact: Fact): boolean {
  return json(Object.fromEntries(Object.entries(again).filter(([name]) => name in fact))) === json(fact);
}

/** As the journal would hand it back: nothing that JSON does not keep. */
function json(value: unknown): string {
  return canonical(JSON.parse(JSON.stringify(value)));
}
