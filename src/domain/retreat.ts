// Going back: what a run that turned does next, the frames home of every service that was touched, in which order they
// are walked, and how that ends. Also how a return to an earlier release ends that cannot be finished.
import { ended } from "./ending.ts";
import type { At, Cause, Fact, Outcome } from "./event.ts";
import { type Frame, type Ms, sameFrame } from "./frame.ts";
import { minutes } from "./minutes.ts";
import { wayBack } from "./moves.ts";
import type { Task } from "./next.ts";
import type { ServiceName } from "./plan.ts";
import { activeNodes, depth, framesOf, hasMoved, isDone } from "./progress.ts";
import type { Phase, Run, Walk } from "./run.ts";
import { unjudged } from "./unjudged.ts";

/** A run that turned goes back, holds and asks, gives up one service of many, or stays where a return has brought it. */
export function turn(run: Run, { cause, at }: Extract<Phase, { kind: "turning" }>): Fact {
  const isOwn = cause.kind === "step failed" || cause.kind === "verdict";
  if (run.plan?.returns !== undefined && isOwn) return turnOfReturn(run, cause, at);
  const active = activeNodes(run);
  const where = active.find(({ node }) => cause.kind === "budget spent" && node.service === cause.service) ?? active[0];
  if (where !== undefined && asks(run, cause))
    return { kind: "on hold", node: where.node.id, step: where.index, because: cause.because };
  return { kind: "retreat", cause, paths: pathsBack(run) };
}

function asks(run: Run, cause: Cause): boolean {
  if (cause.kind === "budget spent" && run.plan?.services[cause.service]?.exposure?.onSpent === "hold") return true;
  const isOwn = cause.kind === "step failed" || cause.kind === "verdict" || cause.kind === "budget spent";
  return run.plan?.onFailure === "hold" && isOwn;
}

/**
 * What was left was worse: once the earlier release has all traffic, it keeps it, and a person is told that it was not
 * verified. Before that nothing has changed for users, and each service (or all) stays where it was.
 */
function turnOfReturn(run: Run, cause: Cause, at: At | undefined): Fact {
  const names = Object.keys(run.plan?.services ?? {});
  const service = run.plan?.nodes.find(({ id }) => id === at?.node)?.service;
  const others = names.filter((name) => name !== service && run.givenUp[name] === undefined);
  if (run.plan?.returns?.services === "each" && service !== undefined && others.length > 0)
    return { kind: "given up", service, because: cause.because, path: pathsBack(run)[service] ?? [] };
  if (!names.every((name) => hasMoved(run, name) || run.givenUp[name] !== undefined))
    return { kind: "retreat", cause, paths: pathsBack(run) };
  const because = [`it carries the traffic and was not verified: ${cause.because}`, ...givenUpWords(run)].join("; ");
  return ended(run, { outcome: "stuck", because });
}

/** A return that is not verified by its deadline has failed, whatever it is at. */
export function overdue(run: Run, now: Ms): Fact | undefined {
  const { plan, hold } = run;
  if (plan?.returns === undefined || hold !== undefined || run.paused !== undefined) return undefined;
  const { withinMs } = plan.returns;
  const open = activeNodes(run).find(({ node }) => node.service === undefined || isRollout(node.id, node.service));
  if (open === undefined || open.step.kind === "approve" || now - admittedAt(run) < withinMs) return undefined;
  const because = `not back and verified within ${minutes(withinMs)}`;
  return { kind: "step failed", node: open.node.id, step: open.index, because };
}

/** When people had let it in, where they were asked; else when its turn came. */
function admittedAt(run: Run): Ms {
  return run.nodes.admission?.since ?? run.plannedAt ?? run.requestedAt;
}

function isRollout(id: string, service: ServiceName): boolean {
  return id === service;
}

export function holdExpired(run: Run, now: Ms): Fact | undefined {
  const { hold, plan } = run;
  if (
    hold === undefined ||
    plan === undefined ||
    plan.hold.onDeadline === "stay" ||
    now - hold.since < plan.hold.withinMs
  )
    return undefined;
  const because = `on hold for ${minutes(plan.hold.withinMs)} without an answer: ${hold.because}`;
  return { kind: "retreat", cause: { kind: "hold expired", because }, paths: pathsBack(run) };
}

/** For every service that was touched, its frames back to where it stood. One that was given up walks on. */
function pathsBack(run: Run): Readonly<Record<ServiceName, readonly Frame[]>> {
  const paths = Object.entries(run.plan?.services ?? {}).flatMap(([name, service]) => {
    const given = run.givenUp[name];
    if (given !== undefined) return [[name, given.walk.path.slice(given.walk.index)] as const];
    const { held, asked } = framesOf(run, name, service);
    const touched = held.length > 1 || !sameFrame(asked, service.from);
    return touched ? [[name, wayBack(held, asked)] as const] : [];
  });
  return Object.fromEntries(paths);
}

/** Later waves go back before earlier ones: a service is never older than what it depends on. */
export function walks(run: Run): readonly Task[] {
  const all = walksOf(run);
  const open = Object.entries(all).filter(([, walk]) => walk.index < walk.path.length);
  const deepest = Math.max(...open.map(([name]) => depth(run, name)));
  return open
    .filter(([name]) => depth(run, name) === deepest)
    .flatMap(([service, walk]) => {
      const frame = walk.path[walk.index];
      const origin = run.plan?.services[service]?.from;
      if (frame === undefined || origin === undefined) return [];
      const rely = Object.keys(frame.revisions).filter((revision) => origin.revisions[revision] !== undefined);
      return [{ kind: "walk", service, index: walk.index, frame, rely }];
    });
}

function walksOf(run: Run): Readonly<Record<ServiceName, Walk>> {
  if (run.phase.kind === "retreating") return run.phase.walks;
  return Object.fromEntries(Object.entries(run.givenUp).map(([name, { walk }]) => [name, walk]));
}

/** The walk, if any, that has used up its patience. */
function lateWalk(run: Run, now: Ms): ServiceName | undefined {
  const all = walksOf(run);
  const late = walks(run).find((task) => {
    const walk = task.kind === "walk" ? all[task.service] : undefined;
    return walk !== undefined && task.kind === "walk" && now - walk.since >= patienceOf(run, task.service);
  });
  return late?.kind === "walk" ? late.service : undefined;
}

export function retreatEnd(run: Run, now: Ms): Fact | undefined {
  if (run.phase.kind !== "retreating") return undefined;
  const { cause } = run.phase;
  const open = openWalks(run);
  if (open.length === 0) return ended(run, { outcome: outcomeOf(run, cause), because: cause.because });
  const late = lateWalk(run, now);
  if (late === undefined) return undefined;
  const because = `${late} could not be taken back within ${minutes(patienceOf(run, late))} (${cause.because})`;
  return ended(run, { outcome: "stuck", because, inDoubt: open });
}

/** Services that are not where they walk to yet. */
function openWalks(run: Run): readonly ServiceName[] {
  return Object.entries(walksOf(run)).flatMap(([name, walk]) => (walk.index < walk.path.length ? [name] : []));
}

function patienceOf(run: Run, service: ServiceName): Ms {
  return run.plan?.services[service]?.withinMs ?? 0;
}

function outcomeOf(run: Run, cause: Cause): Outcome {
  if (cause.kind === "aborted") return "aborted";
  if (cause.kind === "superseded") return "superseded";
  const returned = Object.values(run.plan?.services ?? {}).some((service) => service.stable !== undefined);
  return returned ? "rolled back" : "failed";
}

/** When every node is done and nothing walks any more. */
export function success(run: Run, now: Ms): Fact | undefined {
  const { plan } = run;
  if (plan === undefined || !plan.nodes.every((node) => isDone(run, node.id))) return undefined;
  const given = givenUpWords(run);
  if (given.length === 0) {
    const because = unjudged(run);
    return ended(run, { outcome: "succeeded", ...(because === undefined ? {} : { because }) });
  }
  const open = openWalks(run);
  if (open.length > 0 && lateWalk(run, now) === undefined) return undefined;
  return ended(run, { outcome: "stuck", because: given.join("; "), inDoubt: open });
}

function givenUpWords({ givenUp }: Run): readonly string[] {
  return Object.entries(givenUp).map(([name, { because }]) => `${name} could not be taken back: ${because}`);
}
