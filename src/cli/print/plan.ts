// A plan as prose: what would happen, step by step, what it is watched for, and how it would go back.

import { minutes } from "../../domain/minutes.ts";
import { revisionName, versionName } from "../../domain/name.ts";
import { tellCheck, tellExposure } from "../../domain/phrase.ts";
import type { Plan, PlanNode } from "../../domain/plan.ts";
import type { Run } from "../../domain/run.ts";
import { tellCondition } from "../../domain/watch.ts";
import type { Colors } from "../screen.ts";
import { plannedSteps } from "./steps.ts";
import { columns } from "./text.ts";

export function planLines(run: Run, colors: Colors): readonly string[] {
  const { plan } = run;
  if (plan === undefined) return [`${run.environment}: nothing is planned yet`];
  const moved = Object.keys(plan.services);
  const from = run.standingRelease === undefined ? "the first release" : versionName(run.standingRelease.version);
  const { id, version } = run.release;
  const title = `${colors.bold(run.environment)}  ${from} → ${colors.bold(versionName(version))}${id === version ? "" : colors.dim(`  ${id}`)}`;
  const orphans = (plan.orphans ?? []).map((name) => orphanLine(name, run.environment, colors));
  if (moved.length === 0)
    return [title, `  Nothing to do: ${plan.unchanged.join(", ") || "nothing"} would not change`, ...orphans];
  return [
    title,
    ...(plan.unchanged.length === 0 ? [] : [colors.dim(`  unchanged: ${plan.unchanged.join(", ")}`)]),
    ...orphans,
    ...nodeLines(run, colors),
    "",
    ...footer(run).map((line) => colors.dim(`  ${line}`)),
  ];
}

/** Nothing is removed before a person agreed. */
function orphanLine(name: string, environment: string, colors: Colors): string {
  return colors.yellow(
    `  ${name} is not in the configuration any more. It stays until: sluice retire ${environment} ${name}`,
  );
}

/** Steps are numbered through, so that people can speak of "step 7". */
function nodeLines(run: Run, colors: Colors): readonly string[] {
  const steps = plannedSteps(run);
  const rows = columns(steps.map(({ text, note }, i) => [`${i + 1}`.padStart(6), text, note ? colors.dim(note) : ""]));
  return (run.plan?.nodes ?? []).flatMap((node) => {
    const own = rows.filter((_, i) => steps[i]?.node.id === node.id);
    return ["", `  ${heading(run, node, colors)}`, ...own];
  });
}

function heading(run: Run, node: PlanNode, colors: Colors): string {
  const after = node.after.length === 0 ? "" : colors.dim(`  after ${node.after.join(", ")}`);
  const service = run.plan?.services[node.service ?? ""];
  if (service === undefined) return `${colors.bold(node.id)}${after}`;
  const stable = service.stable === undefined ? "" : `${revisionName(run, service.stable)} → `;
  const size = `${service.size} ${service.size === 1 ? "replica" : "replicas"}`;
  if (service.retires === true) return `${colors.bold(node.id)}  ${stable.replace(" → ", "")}, ${size}${after}`;
  const what =
    node.id === node.service ? `${service.strategy}, ${stable}${revisionName(run, service.candidate)}, ${size}` : "";
  return [colors.bold(node.id), what].filter(Boolean).join("  ") + after;
}

function footer(run: Run): readonly string[] {
  const plan = run.plan;
  if (plan === undefined) return [];
  const bakes = plan.nodes.flatMap(({ steps }) => steps.filter((step) => step.kind === "bake"));
  const watched = longestWatch(plan.nodes);
  const checks = bakes.find((bake) => bake.checks.length > 0)?.checks ?? [];
  const kinds = new Set(Object.values(plan.services).map(({ strategy }) => strategy));
  return [
    ...(checks.length > 0 ? [`Watched for: ${checks.map(tellCheck).join("; ")}`] : []),
    ...(watched > 0 ? [`Takes at least ${minutes(watched)} of watching`] : []),
    ...exposureLines(run),
    ...watchLines(plan),
    ...(plan.returns === undefined ? [] : [`Verified within ${minutes(plan.returns.withinMs)}, or a person is told`]),
    ...(run.standingRelease === undefined || plan.returns !== undefined ? [] : [goingBack(kinds)]),
  ];
}

function exposureLines({ plan }: Run): readonly string[] {
  return Object.entries(plan?.services ?? {}).flatMap(([name, { exposure }]) =>
    exposure === undefined ? [] : [`${name}: ${tellExposure(exposure)}`],
  );
}

function watchLines({ watch }: Plan): readonly string[] {
  if (watch === undefined) return [];
  const then = watch.manualApprovalRequired ? "asks whether to go back" : "goes back";
  return [
    `For ${minutes(watch.lastsMs)} after the end it ${then} on: ${watch.conditions.map(tellCondition).join("; ")}`,
  ];
}

function goingBack(kinds: ReadonlySet<string>): string {
  const isSlow = kinds.has("rolling") || kinds.has("recreate");
  return isSlow
    ? "Going back starts the old replicas again: about as long as going forward without the watching"
    : "Going back takes a moment: the old side keeps running at full size until the end";
}

/** Nodes that wait for each other add up, nodes side by side do not. */
function longestWatch(nodes: readonly PlanNode[]): number {
  const ends = new Map<string, number>();
  for (const { id, after, steps } of nodes) {
    const start = Math.max(0, ...after.map((before) => ends.get(before) ?? 0));
    ends.set(id, start + steps.reduce((sum, step) => sum + (step.kind === "bake" ? step.lastsMs : 0), 0));
  }
  return Math.max(0, ...ends.values());
}
