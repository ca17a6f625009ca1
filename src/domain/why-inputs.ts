// What a decision rested on, in lines with numbers: what the target reported against what was asked for, who said yes, how long a
// hold had lasted.
import type { At } from "./event.ts";
import { replicasFor, shareOf } from "./frame.ts";
import { minutes } from "./minutes.ts";
import { revisionName } from "./name.ts";
import { tellCheck } from "./phrase.ts";
import type { Step } from "./plan.ts";
import type { Run } from "./run.ts";
import type { Asked, Seen } from "./seen.ts";
import type { Decided } from "./why.ts";

export function stateInputs({ phase, hold, paused }: Run): readonly string[] {
  if (hold !== undefined) return [`it was on hold: ${hold.because}`];
  if (paused !== undefined) return [`it was paused by ${paused.by}`];
  return [`it was ${phase.kind}`];
}

export function turnInputs({ event, fact, before }: Decided): readonly string[] {
  const { hold, plan: frozen, phase } = before;
  const held =
    hold === undefined || frozen === undefined
      ? []
      : [
          `on hold for ${minutes(event.at - hold.since)}; its deadline is ${minutes(frozen.hold.withinMs)}, then ${frozen.hold.onDeadline === "stay" ? "it stays" : "it goes back"}`,
        ];
  const turned = phase.kind === "turning" || phase.kind === "retreating" ? [`cause: ${phase.cause.because}`] : [];
  const policy =
    phase.kind === "turning"
      ? [
          `a failure ${frozen?.onFailure === "hold" ? "holds and asks" : "goes back"} here (onFailure: ${frozen?.onFailure})`,
        ]
      : [];
  const paths =
    fact.kind === "retreat"
      ? Object.entries(fact.paths).map(
          ([name, frames]) => `${name}: ${frames.length} ${frames.length === 1 ? "move" : "moves"} back`,
        )
      : [];
  const stands =
    fact.kind === "ended" ? Object.entries(fact.stands).map(([name, revision]) => `${name} stands on ${revision}`) : [];
  return [...held, ...turned, ...policy, ...paths, ...stands];
}

export function stepInputs(before: Run, at: At, seen: Seen | undefined): readonly string[] {
  const step = stepAt(before, at);
  const state = before.nodes[at.node];
  const asked = askedAt(before, at);
  if (seen !== undefined && asked !== undefined) return seenInputs(before, asked, seen);
  if (step?.kind === "approve") {
    const { quorum, roles } = step.policy;
    const said = (state?.approvals ?? []).map(
      ({ by, roles: has }) => `${by} said yes${has.length === 0 ? "" : ` (${has.join(", ")})`}`,
    );
    return [`asked for ${quorum}${roles.length === 0 ? "" : ` of ${roles.join(" or ")}`}`, ...said];
  }
  if (step?.kind === "bake") {
    const verdict = state?.judged === undefined ? [] : [`verdict: ${state.judged.verdict}, ${state.judged.because}`];
    return [`the bake lasts ${minutes(step.lastsMs)}`, ...step.checks.map(tellCheck), ...verdict];
  }
  return [];
}

export function seenInputs(run: Run, { frame, rely, size }: Asked, { revisions }: Seen): readonly string[] {
  const names = [...new Set([...Object.keys(frame.revisions), ...Object.keys(revisions)])];
  return names.map((revision) => {
    const wanted = shareOf(frame, revision);
    const { ready = 0, running = 0, traffic = 0, broken } = revisions[revision] ?? {};
    const relied = rely.includes(revision) ? "" : ", not relied on";
    const counts = `${ready} ready and ${running} running of ${replicasFor(wanted.capacity, size)} wanted`;
    const why = broken === undefined ? "" : `; ${broken}`;
    return `${revisionName(run, revision)}: ${counts}, the router reports ${traffic} % of ${wanted.traffic} % wanted${relied}${why}`;
  });
}

export function askedAt(run: Run, at: At): Asked | undefined {
  const node = run.plan?.nodes.find(({ id }) => id === at.node);
  const step = node?.steps[at.step];
  const planned = run.plan?.services[node?.service ?? ""];
  if (step?.kind !== "set" || planned === undefined) return undefined;
  const { size, unavailable, failureShare = 0 } = planned;
  return { frame: step.frame, rely: step.rely, size, unavailable, failureShare };
}

export function stepAt(run: Run, at: At): Step | undefined {
  return run.plan?.nodes.find(({ id }) => id === at.node)?.steps[at.step];
}
