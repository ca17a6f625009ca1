// The steps of a plan as verb phrases in three tenses: "give v3 10 % of traffic", "giving …", "gave …".
import type { Check } from "./check.ts";
import type { At } from "./event.ts";
import { type Frame, type Percent, type RevisionId, replicasFor, shareOf, trafficSum } from "./frame.ts";
import { comparatorWords } from "./metric.ts";
import { minutes } from "./minutes.ts";
import { revisionName, versionName } from "./name.ts";
import type { PlanNode, Step } from "./plan.ts";
import type { Run } from "./run.ts";
import type { ApprovalPolicy, Exposure } from "./strategy.ts";

export type Tense = "plan" | "now" | "past";

export function tellStep(run: Run, at: At, tense: Tense): string {
  const node = run.plan?.nodes.find((candidate) => candidate.id === at.node);
  const step = node?.steps[at.step];
  if (node === undefined || step === undefined) return "this step";
  const before = frameBefore(run, at);
  switch (step.kind) {
    case "set": {
      const size = run.plan?.services[node.service ?? ""]?.size ?? 1;
      return tellMove(before, step.frame, { size, name: (revision) => revisionName(run, revision) }, tense);
    }
    case "job":
      return `${verbs.run[tense]} ${step.name}`;
    case "bake":
      return bakePhrase(run, { node, step, before }, tense);
    case "approve":
      return `${verbs.approve[tense]} ${approvers(step.policy)}`;
  }
}

/** The frame that a service stands in when the step begins. */
export function frameBefore(run: Run, at: At): Frame {
  const nodes = run.plan?.nodes ?? [];
  const here = nodes.findIndex((node) => node.id === at.node);
  const service = nodes[here]?.service;
  const earlier = nodes
    .slice(0, here + 1)
    .filter((node) => node.service === service)
    .flatMap((node) => (node.id === at.node ? node.steps.slice(0, at.step) : node.steps));
  const last = earlier.findLast((step) => step.kind === "set");
  return last?.frame ?? run.plan?.services[service ?? ""]?.from ?? { revisions: {}, routes: [] };
}

const verbs = {
  start: { plan: "start", now: "starting", past: "started" },
  stop: { plan: "stop", now: "stopping", past: "stopped" },
  give: { plan: "give", now: "giving", past: "gave" },
  holdBack: { plan: "hold requests back", now: "holding requests back", past: "held requests back" },
  open: { plan: "open", now: "opening", past: "opened" },
  close: { plan: "close", now: "closing", past: "closed" },
  size: { plan: "size", now: "sizing", past: "sized" },
  keep: { plan: "change nothing", now: "changing nothing", past: "changed nothing" },
  run: { plan: "run", now: "running", past: "ran" },
  watch: { plan: "watch", now: "watching", past: "watched" },
  wait: { plan: "wait", now: "waiting", past: "waited" },
  approve: { plan: "ask for", now: "waiting for", past: "got" },
} as const satisfies Record<string, Record<Tense, string>>;

interface Names {
  /** Replicas that 100 % comes to. */
  readonly size: number;
  readonly name: (revision: RevisionId) => string;
}

/** What changes from one frame to the next: replicas that start, shares that move, replicas that stop. */
export function tellMove(before: Frame, after: Frame, names: Names, tense: Tense): string {
  const revisions = [...new Set([...Object.keys(before.revisions), ...Object.keys(after.revisions)])];
  const parts = [
    ...revisions.flatMap((revision) => growth(revision, { before, after }, names, tense)),
    ...traffic(revisions, { before, after }, names, tense),
    ...revisions.flatMap((revision) => shrinkage(revision, { before, after }, names, tense)),
  ];
  if (parts.length > 0) return parts.join(" and ");
  return reroutes({ before, after }, names, tense) ?? resizes({ before, after }, names, tense) ?? verbs.keep[tense];
}

function reroutes({ before, after }: Move, { name }: Names, tense: Tense): string | undefined {
  if (JSON.stringify(before.routes) === JSON.stringify(after.routes)) return undefined;
  const [opened] = after.routes;
  return opened === undefined
    ? `${verbs.close[tense]} the preview`
    : `${verbs.open[tense]} the preview of ${name(opened.to)}`;
}

/** Another share of the full size, which rounds up to the same replicas. */
function resizes({ before, after }: Move, { name }: Names, tense: Tense): string | undefined {
  const resized = Object.keys(after.revisions).find(
    (revision) => shareOf(after, revision).capacity !== shareOf(before, revision).capacity,
  );
  if (resized === undefined) return undefined;
  return `${verbs.size[tense]} ${name(resized)} for ${shareOf(after, resized).capacity} %`;
}

interface Move {
  readonly before: Frame;
  readonly after: Frame;
}

function replicas(frame: Frame, revision: RevisionId, size: number): number {
  return replicasFor(shareOf(frame, revision).capacity, size);
}

function growth(revision: RevisionId, { before, after }: Move, { size, name }: Names, tense: Tense): string[] {
  const added = replicas(after, revision, size) - replicas(before, revision, size);
  return added <= 0 ? [] : [`${verbs.start[tense]} ${counted(added)} of ${name(revision)}`];
}

function shrinkage(revision: RevisionId, { before, after }: Move, { size, name }: Names, tense: Tense): string[] {
  const [had, keeps] = [replicas(before, revision, size), replicas(after, revision, size)];
  if (keeps >= had) return [];
  return [
    keeps === 0
      ? `${verbs.stop[tense]} ${name(revision)}`
      : `${verbs.stop[tense]} ${counted(had - keeps)} of ${name(revision)}`,
  ];
}

function traffic(revisions: readonly RevisionId[], { before, after }: Move, { name }: Names, tense: Tense): string[] {
  const risen = revisions.filter((revision) => shareOf(after, revision).traffic > shareOf(before, revision).traffic);
  if (risen.length > 0) {
    return risen.map(
      (revision) => `${verbs.give[tense]} ${name(revision)} ${shareWords(shareOf(after, revision).traffic)}`,
    );
  }
  return trafficSum(before) > 0 && trafficSum(after) === 0 ? [verbs.holdBack[tense]] : [];
}

function shareWords(percent: Percent): string {
  return percent === 100 ? "all traffic" : `${percent} % of traffic`;
}

function bakePhrase(
  run: Run,
  { node, step, before }: { node: PlanNode; step: Extract<Step, { kind: "bake" }>; before: Frame },
  tense: Tense,
): string {
  const lasts = minutes(step.lastsMs);
  const atLeast = step.earliestMs === undefined ? "" : `${minutes(step.earliestMs)} to `;
  if (step.checks.length === 0) return `${verbs.wait[tense]} ${lasts}`;
  const candidate = run.plan?.services[node.service ?? ""]?.candidate;
  const share = candidate === undefined ? 0 : shareOf(before, candidate).traffic;
  const where = share > 0 ? ` at ${shareWords(share)}` : "";
  return `${verbs.watch[tense]} ${versionName(run.release.version)}${where}${tense === "plan" ? ` for ${atLeast}${lasts}` : ""}`;
}

function approvers({ roles, quorum }: ApprovalPolicy): string {
  const whom = roles.length === 0 ? "" : ` by ${roles.join(" or ")}`;
  return quorum === 1 ? `approval${whom}` : `${quorum} approvals${whom}`;
}

function counted(count: number): string {
  return `${count} ${count === 1 ? "replica" : "replicas"}`;
}

/** How many may see an unproven candidate, and what then. */
export function tellExposure({ requestsMax, users, onSpent }: Exposure): string {
  const most = [
    ...(requestsMax === undefined ? [] : [`${requestsMax} requests`]),
    ...(users === undefined ? [] : [`${users.max} users`]),
  ];
  const what = onSpent === "hold" ? "it gives its traffic back and asks" : "it goes back";
  return `at most ${most.join(" or ")} see it before its gates have passed; then ${what}`;
}

/** What a check asks of the candidate. */
export function tellCheck(check: Check): string {
  switch (check.kind) {
    case "errors":
      return `errors at most ${hundredths(check.rateMax * 100)} %, from ${check.minimumRequests} requests on`;
    case "latency":
      return `p${hundredths(check.quantile * 100)} at most ${minutes(check.limitMs)}`;
    case "comparison":
      return `no worse than stable, by statistics that err once in ${Math.round(1 / check.alpha)}`;
    case "probe":
      return `${check.method} ${check.url} answers ${check.status} within ${minutes(check.withinMs)}`;
    case "metric":
      return `${check.name} never ${comparatorWords[check.comparator]} ${check.limit}${check.forMs === 0 ? "" : ` for ${minutes(check.forMs)}`}`;
  }
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
