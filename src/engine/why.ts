// Every decision of a deployment with what decided it, made again from what was recorded: the facts, and the evidence of its
// bakes. What needs other deployments is asked of whoever has them.
import type { Check, Finding } from "../domain/check.ts";
import { comparisonFinding } from "../domain/compared.ts";
import type { Event, FactOf } from "../domain/event.ts";
import { isInterval, type Observation } from "../domain/evidence.ts";
import { requestsOf } from "../domain/exposure.ts";
import { shareOf } from "../domain/frame.ts";
import { replay as judgeAgain } from "../domain/judge/replay.ts";
import { judge, type Watched } from "../domain/limits.ts";
import { minutes } from "../domain/minutes.ts";
import { frameBefore } from "../domain/phrase.ts";
import { fold, type Run } from "../domain/run.ts";
import { tallied, untallied } from "../domain/tally.ts";
import { type Decided, differs, fromFacts, notReplayed, type Replay, same, type Why, whyOf } from "../domain/why.ts";
import { minimumOf, servicesIn } from "./bake.ts";
import { recordingAt, whyNotCompared } from "./comparison.ts";
import type { EvidenceStore } from "./ports.ts";
import { chained, digestOf, silenceOf } from "./reading.ts";

type Found = Pick<Why, "inputs" | "replay">;

export interface WhySources {
  readonly evidence: EvidenceStore;
  /** SHA-256, hexadecimal. */
  readonly digest: (text: string) => string;
  /** Of a request: how its release was chosen; of what was superseded: by which policy. */
  readonly among: (decided: Decided<FactOf<"requested" | "superseded">>) => Promise<Found>;
}

export async function decisionsOf(events: readonly Event[], sources: WhySources): Promise<readonly Why[]> {
  const decisions: Why[] = [];
  let before: Run | undefined;
  for (const event of events) {
    const after = fold([event], before);
    if (after === undefined) break;
    const decided = { event, fact: event.fact, before: before ?? after, after };
    decisions.push(whyOf(decided, fromFacts(decided) ?? (await fromRecords(decided, sources))));
    before = after;
  }
  return decisions;
}

function fromRecords(decided: Decided, sources: WhySources): Promise<Found> {
  const { fact } = decided;
  switch (fact.kind) {
    case "judged":
      return judgedAgain({ ...decided, fact }, sources);
    case "budget spent":
      return spentAgain({ ...decided, fact }, sources);
    case "requested":
    case "superseded":
      return sources.among({ ...decided, fact });
    default:
      throw new Error(`${fact.kind} is replayed from facts`);
  }
}

interface Again {
  readonly watched: Watched;
  readonly digest: string;
  readonly count: number;
  readonly silence?: string;
}

async function judgedAgain({ event, fact, before }: Decided<FactOf<"judged">>, sources: WhySources): Promise<Found> {
  const node = before.plan?.nodes.find(({ id }) => id === fact.node);
  const step = node?.steps[fact.step];
  const since = before.nodes[fact.node]?.since ?? event.at;
  if (node === undefined || step?.kind !== "bake") return { inputs: [], replay: differs("there is no such bake") };
  const place = { run: before, node, fact, since, at: event.at, checks: step.checks };
  const again = await Promise.all(servicesIn(node, before).map(([service]) => lookAgain(service, place, sources)));
  const counted = again.map(({ watched: { service }, count }) => `${count} observations of ${service}`);
  const recorded = fact.findings.map(({ check, verdict, because }) =>
    because.startsWith(check) ? `${verdict}: ${because}` : `${verdict}: ${check}: ${because}`,
  );
  const inputs = [`after ${minutes(event.at - since)} of ${minutes(step.lastsMs)}; ${counted.join(", ")}`, ...recorded];
  if (again.some(({ count }, i) => count === 0 && (fact.counted?.[again[i]?.watched.service ?? ""] ?? 0) > 0))
    return { inputs, replay: notReplayed("its evidence is not kept any more") };
  const digest = digestOf(Object.fromEntries(again.map((one) => [one.watched.service, one.digest])), sources.digest);
  if (fact.counted !== undefined && digest !== fact.digest)
    return { inputs, replay: differs("the evidence is not what it was: its digest is another") };
  const silence = again.find((one) => one.silence !== undefined)?.silence;
  const judgement = judge(step.checks.filter(isCounted), {
    services: again.map(({ watched }) => watched),
    probes: {},
    elapsedMs: event.at - since,
    earliestMs: step.earliestMs ?? step.lastsMs,
    lastsMs: step.lastsMs,
    ...(silence === undefined ? {} : { sourceDown: silence }),
  });
  return { inputs, replay: held(fact, judgement) };
}

/** Probes and numbers of metric sources are not asked again: what they said then is taken as it is. */
function isCounted({ kind }: Check): boolean {
  return kind === "errors" || kind === "latency" || kind === "comparison";
}

function held(fact: FactOf<"judged">, judgement: ReturnType<typeof judge>): Replay {
  const wrong = judgement.findings.find((finding) => {
    const recorded = fact.findings.find(({ check }) => check === finding.check);
    return recorded !== undefined && !isSame(finding, recorded, fact);
  });
  if (wrong !== undefined) return differs(`${wrong.check}: ${wrong.verdict}; ${wrong.because}`);
  const others = fact.findings.filter(({ check }) => !judgement.findings.some((one) => one.check === check));
  const decidedElsewhere = others.find(({ verdict }) => verdict === fact.verdict);
  if (judgement.verdict === fact.verdict || decidedElsewhere !== undefined) return same;
  return differs(`${judgement.verdict}: ${judgement.because}`);
}

/** Versions that did not write down what they had counted had other words for the same finding. */
function isSame(a: Finding, b: Finding, { counted }: FactOf<"judged">): boolean {
  return a.verdict === b.verdict && (counted === undefined || a.because === b.because);
}

interface Place {
  readonly run: Run;
  readonly node: NonNullable<Run["plan"]>["nodes"][number];
  readonly fact: FactOf<"judged">;
  readonly since: number;
  readonly at: number;
  readonly checks: readonly Check[];
}

async function lookAgain(service: string, place: Place, { evidence, digest }: WhySources): Promise<Again> {
  const { run, node, fact, since, at, checks } = place;
  const planned = run.plan?.services[service];
  const key = { deployment: run.id, node: node.id, step: fact.step, service };
  const stored = await evidence.get(key);
  const count = fact.counted?.[service];
  const observed = count === undefined ? stored.filter(({ endMs }) => endMs <= at) : stored.slice(0, count);
  const traffic =
    planned === undefined
      ? 0
      : shareOf(frameBefore(run, { node: node.id, step: fact.step }), planned.candidate).traffic;
  const share = node.service === service ? traffic / 100 : null;
  const minimumRequests = minimumOf(checks);
  const tally = observed.reduce((sum, one) => tallied(sum, one, { share, minimumRequests }), untallied);
  const { silence } = silenceOf(tally, {
    since,
    awayUntil: run.resumedAt ?? 0,
    now: at,
    words: "it had no numbers for this time",
  });
  const serves = planned?.serves ?? false;
  const comparison = await comparedAgain(service, { ...place, observed }, evidence);
  const watched = { service, isFirst: planned?.stable === undefined, serves, tally, comparison, metrics: {} };
  const isRead = serves && checks.some(isCounted);
  return {
    watched,
    count: observed.length,
    digest: observed.reduce((chain, one) => chained(chain, one, digest), ""),
    ...(silence === undefined || !isRead ? {} : { silence }),
  };
}

async function comparedAgain(
  service: string,
  { run, node, fact, since, at, observed }: Place & { readonly observed: readonly Observation[] },
  evidence: EvidenceStore,
): Promise<Watched["comparison"]> {
  const notComparedFor = whyNotCompared(run, { node, step: fact.step, service });
  if (notComparedFor !== undefined) return { notComparedFor };
  const step = node.steps[fact.step];
  const isOver = step?.kind === "bake" && at - since >= step.lastsMs;
  const recording = await recordingAt({ run, node, service }, evidence, { step: fact.step, observed });
  if (recording === undefined || observed.length === 0)
    return { verdict: isOver ? "inconclusive" : "watching", because: "nothing was counted in this bake yet" };
  return comparisonFinding(judgeAgain(recording).state, isOver);
}

async function spentAgain(
  { event, fact, before }: Decided<FactOf<"budget spent">>,
  { evidence }: WhySources,
): Promise<Found> {
  const inputs = [`${fact.counted} ${fact.of} counted, at most ${fact.limit} may see it`];
  if (fact.of === "users")
    return { inputs, replay: fact.counted >= fact.limit ? same : differs("fewer than may see it") };
  const at = { deployment: before.id, node: `exposure ${fact.service}`, step: 0, service: fact.service };
  const stored = (await evidence.get(at)).filter(isInterval).filter(({ endMs }) => endMs <= event.at);
  const sums = stored.map((_, i) => stored.slice(0, i + 1).reduce((sum, one) => sum + requestsOf(one), 0));
  if (stored.length === 0 && fact.counted > 0)
    return { inputs, replay: notReplayed("its evidence is not kept any more") };
  return {
    inputs,
    replay: fact.counted === 0 || sums.includes(fact.counted) ? same : differs(`${sums.at(-1) ?? 0} requests counted`),
  };
}
