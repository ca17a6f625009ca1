// Every fact of a deployment in one plain sentence, and what is going on in another: the same words in the terminal,
// in the history, and on the page.
import type { Stance } from "./check.ts";
import { drillTimes } from "./drill.ts";
import type { At, Cause, Event, Fact, FactOf, Outcome, Purpose } from "./event.ts";
import type { Ms } from "./frame.ts";
import { minutes } from "./minutes.ts";
import { returnName, revisionName, versionName } from "./name.ts";
import { tellMove, tellStep } from "./phrase.ts";
import type { PlanNode, ServiceName } from "./plan.ts";
import { activeNodes, framesOf } from "./progress.ts";
import { fold, type Run } from "./run.ts";

/** One sentence, without its full stop. `run` is the state just after the fact. */
export function tell(fact: Fact, run: Run): string {
  return (sentences[fact.kind] as (fact: Fact, run: Run) => string)(fact, run);
}

export interface Told {
  readonly event: Event;
  readonly sentence: string;
}

/** The whole history of one deployment, oldest first. */
export function story(events: readonly Event[]): readonly Told[] {
  let run: Run | undefined;
  return events.flatMap((event) => {
    run = fold([event], run);
    return run === undefined ? [] : [{ event, sentence: tell(event.fact, run) }];
  });
}

/** What is going on at this moment. */
export function tellNow(run: Run, now: Ms): string {
  switch (run.phase.kind) {
    case "queued":
      return `Waits for its turn in ${run.environment}`;
    case "turning":
      return turnedBy(run.phase.cause);
    case "retreating":
      return `Going back to ${returnName(run)}: ${run.phase.cause.because}`;
    case "ended":
      return endSentence(run, run.phase.outcome, run.phase.because);
    case "running":
      return runningSentence(run, now);
  }
}

function runningSentence(run: Run, now: Ms): string {
  if (run.paused !== undefined) return `Paused by ${run.paused.by}${because(run.paused.reason)}`;
  if (run.hold !== undefined) return `On hold: ${run.hold.because}`;
  const active = activeNodes(run).map(({ node, index, step, state }) => {
    const left = step.kind === "bake" ? Math.max(0, step.lastsMs - (now - state.since)) : 0;
    const more = left > 0 ? `, ${minutes(Math.ceil(left / 1000) * 1000)} to go` : "";
    return `${scope(node)}${tellStep(run, { node: node.id, step: index }, "now")}${more}`;
  });
  return active.length === 0 ? "Between two steps" : capital(active.join("; "));
}

const sentences: { [K in Fact["kind"]]: (fact: FactOf<K>, run: Run) => string } = {
  requested: (fact) => `${fact.by} ${wishOf(fact)}${because(fact.reason)}`,
  planned: (fact, run) => {
    const moved = Object.keys(fact.plan.services);
    if (moved.length === 0) return `Nothing to do: ${fact.plan.unchanged.join(", ")} already stand as asked`;
    const from = fact.standingRelease === undefined ? "" : ` from ${versionName(fact.standingRelease.version)}`;
    const rest = fact.plan.unchanged.length === 0 ? "" : `; ${list(fact.plan.unchanged)} unchanged`;
    return `Planned: ${list(moved)}${from} to ${versionName(run.release.version)}${rest}`;
  },
  "job started": (fact, run) =>
    capital(`${place(run, fact)}${tellStep(run, fact, "now")}${fact.attempt > 1 ? ` (attempt ${fact.attempt})` : ""}`),
  "step done": (fact, run) => capital(`${place(run, fact)}${doneWords(run, fact)}`),
  "step failed": (fact, run) => capital(`${place(run, fact)}could not ${tellStep(run, fact, "plan")}: ${fact.because}`),
  judged: (fact, run) => capital(`${place(run, fact)}${stanceWords(fact)}: ${fact.because}`),
  approved: (fact) => `${fact.by} approved`,
  refused: (fact) => `${fact.by} refused${because(fact.because)}`,
  "on hold": (fact, run) => `${place(run, fact)}on hold: ${fact.because}`,
  retreat: (fact, run) => `Going back to ${returnName(run)}: ${turnedBy(fact.cause)}`,
  "walked back": (fact, run) => `${fact.service}: ${walkWords(run, fact)}, on the way back`,
  paused: (fact) => `${fact.by} paused${because(fact.reason)}`,
  unpaused: (fact) => `${fact.by} resumed`,
  promoted: (fact) => `${fact.by} promoted${fact.full ? " in full: gates still to come are skipped" : ""}`,
  "abort asked": (fact) => `${fact.by} aborted${because(fact.reason)}`,
  superseded: (fact) => `Superseded: ${fact.by} takes its place`,
  retried: (fact) => `${fact.by} asked to try again`,
  resumed: (fact) =>
    `${fact.worker} took over after ${minutes(fact.gapMs)} in which nobody looked; that time does not count`,
  ended: (fact, run) => endSentence(run, fact.outcome, fact.because),
  "given up": (fact) => `${fact.service} cannot be taken back, the others go on: ${fact.because}`,
  "budget spent": (fact) =>
    `${fact.service}: ${fact.counted} ${fact.of} have seen the unproven release, and at most ${fact.limit} may: it gets no more traffic`,
  triggered: (fact, run) =>
    fact.asks
      ? `${capital(fact.because)}: a person is asked whether ${run.environment} goes back`
      : `${capital(fact.because)}: ${run.environment} goes back`,
  "return refused": (fact) => `It cannot go back: ${fact.because}`,
  "return asked": (fact) => `The way back is ${fact.deployment}`,
};

function wishOf({ purpose, rollbackOf, retryOf, release, environment, intent }: FactOf<"requested">): string {
  const version = versionName(release.version);
  const what: Record<Purpose, string> = {
    rollback: `asked to take ${environment} back to ${version}`,
    restart: `asked to restart ${version} in ${environment}`,
    drill: `asked for a drill: ${environment} back to ${version}, and return`,
    retire: `agreed to retire ${list(Object.keys(intent.retire ?? {}))} from ${environment}`,
  };
  if (retryOf !== undefined) return `asked to try ${version} in ${environment} again, from where ${retryOf} failed`;
  const known = purpose ?? (rollbackOf === undefined ? undefined : "rollback");
  const part = intent.isPart === true ? ` (${list(Object.keys(intent.services))} only)` : "";
  return `${known === undefined ? `asked for ${version} in ${environment}` : what[known]}${known === "drill" ? "" : part}`;
}

/** What could not be held against anything is listed after "no harm seen;": see domain/limits.ts. */
function stanceWords({ verdict, because }: FactOf<"judged">): string {
  return verdict === "pass" && because.startsWith("no harm seen;") ? "judged in part" : judgedWords[verdict];
}

const judgedWords: Record<Stance, string> = {
  pass: "judged healthy",
  hold: "suspicious",
  watching: "watching again",
  fail: "judged worse",
  inconclusive: "too little to judge by",
  errored: "could not be judged",
};

function doneWords(run: Run, fact: FactOf<"step done">): string {
  const note = fact.note === undefined ? "" : `: ${fact.note}`;
  if (fact.note?.startsWith("approved by") || fact.note?.startsWith("skipped")) return fact.note;
  return `${tellStep(run, fact, "past")}${note}`;
}

function walkWords(run: Run, fact: FactOf<"walked back">): string {
  const walk = run.phase.kind === "retreating" ? run.phase.walks[fact.service] : undefined;
  const service = run.plan?.services[fact.service];
  const to = walk?.path[fact.index];
  if (walk === undefined || service === undefined || to === undefined) return "moved";
  const from = walk.path[fact.index - 1] ?? framesOf(run, fact.service, service).asked;
  return tellMove(from, to, { size: service.size, name: (revision) => revisionName(run, revision) }, "past");
}

function endSentence(run: Run, outcome: Outcome, why: string | undefined): string {
  const version = versionName(run.release.version);
  const said: Record<Outcome, string> = {
    succeeded: successSentence(run, version),
    "rolled back": `Rolled back: ${run.environment} is on ${returnName(run)} again`,
    aborted: `Aborted: ${run.environment} is on ${returnName(run)} again`,
    superseded: `Superseded: a newer release took over ${run.environment}`,
    failed: `${version} failed, and there was nothing to return to`,
    stuck: "Stuck: a person is needed",
  };
  return `${said[outcome]}${because(why)}`;
}

function successSentence(run: Run, version: string): string {
  const { environment, purpose } = run;
  if (purpose === "restart") return `${version} was restarted in ${environment}`;
  if (purpose === "retire") return `${list(Object.keys(run.plan?.services ?? {}))} is gone from ${environment}`;
  if (purpose === "drill") return drillSentence(run, version);
  if (purpose !== "rollback") return `${version} is live in ${environment}`;
  const took = minutes(run.lastAt - (run.plannedAt ?? run.requestedAt));
  return `${environment} is back on ${version} from ${returnName(run)}, verified in ${took}; ${run.by} asked${because(run.reason)}`;
}

function drillSentence(run: Run, version: string): string {
  const { backMs, returnMs } = drillTimes(run);
  if (backMs === undefined || returnMs === undefined)
    return `Drill in ${run.environment}: there was nothing to take back`;
  return `Drill in ${run.environment}: back on ${version} in ${minutes(backMs)}, on ${returnName(run)} again in ${minutes(returnMs)}`;
}

function turnedBy(cause: Cause): string {
  const words: Record<Cause["kind"], string> = {
    "step failed": "",
    verdict: "",
    refused: "by" in cause ? `${cause.by} refused: ` : "",
    aborted: "by" in cause ? `${cause.by} aborted: ` : "",
    "hold expired": "",
    superseded: "superseded: ",
    "budget spent": "",
  };
  return `${words[cause.kind]}${cause.because}`;
}

function place(run: Run, at: At): string {
  const node = run.plan?.nodes.find((candidate) => candidate.id === at.node);
  return node === undefined ? "" : scope(node);
}

function scope(node: PlanNode): string {
  return node.service === undefined ? "" : `${node.service}: `;
}

function because(reason: string | undefined): string {
  return reason === undefined || reason === "" ? "" : `: ${reason}`;
}

function list(names: readonly ServiceName[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function capital(text: string): string {
  return text.includes(": ") && /^[\w-]+: /.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
