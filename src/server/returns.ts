// Returns to an earlier release: of an environment, of services, of what a deployment brought; asked by a person, or by a
// watch after its end. Nothing that a person asks for waits: what is under way goes back first.

import type { DeploymentId } from "../domain/event.ts";
import { backWithinMs, hurried } from "../domain/hurry.ts";
import { versionName } from "../domain/name.ts";
import type { Intent, Returns } from "../domain/plan.ts";
import { configOf, type Release } from "../domain/release.ts";
import {
  asksToReturn,
  bringerOf,
  defaultTarget,
  type Here,
  type Made,
  type ReturnTarget,
  refusedReturn,
  returnTargets,
} from "../domain/return-target.ts";
import { fold, type Run } from "../domain/run.ts";
import { command, type Desk, findRelease, request, runsOf } from "./commands.ts";
import type { Order } from "./orders.ts";
import { Refusal } from "./problem-answer.ts";
import type { Records } from "./records.ts";

export interface RollbackAsked {
  readonly environment: string;
  /** A release's id or version; default the last that stood its bake. */
  readonly to?: string | undefined;
  readonly services?: readonly string[] | undefined;
  /** Emergency: each service goes by itself, and what cannot is reported. */
  readonly all?: boolean | undefined;
}

export interface Asking {
  readonly by: string;
  readonly reason?: string | undefined;
}

const historyMax = 200;

/** With all speed and no gate, afterwards verified. Without a target, what is under way is what is taken back. */
export async function rollback(desk: Desk, id: DeploymentId, asked: RollbackAsked & Asking): Promise<Run> {
  const known = fold(await desk.records.journal.read(id));
  if (known !== undefined) return known; // asked before, with the same key
  const { environment, by, reason } = asked;
  const open = await openIn(desk.records, environment);
  const isNamed = asked.to !== undefined || asked.services !== undefined;
  const forward = open.filter((run) => run.rollbackOf === undefined && run.purpose !== "rollback");
  const isBack = open.some((run) => run.purpose === "rollback" && !asksToReturn(run));
  if (isBack && !isNamed) throw underWay(open, environment);
  if (forward.length > 0 && !isNamed) return await abortAll(desk, forward, { by, reason });
  return request(desk, id, { ...(await returnTo(desk, asked)), by, reason });
}

/** What a deployment brought goes: all of it, or the part of the environment that it moved. */
export async function rollbackDeployment(desk: Desk, id: DeploymentId, { run, by, reason }: Asking & { run: Run }) {
  const { environment, intent, phase } = run;
  if (phase.kind !== "ended")
    return command(desk.records, run.id, { verb: "abort", by: { name: by, roles: [] }, ...(reason && { reason }) });
  const here = await desk.records.environments.stands(environment);
  const services = Object.entries(intent.services).filter(([name, { revision }]) => here.stands[name] === revision);
  const isThere = phase.outcome === "succeeded" && services.length > 0 && run.purpose === undefined;
  const bringer = bringerOf(await historyIn(desk.records, environment), here);
  if (!isThere || (intent.isPart !== true && bringer?.id !== run.id)) {
    throw new Refusal(409, {
      so: `${environment} does not stand on what ${run.id} brought`,
      mend: "Roll back the environment: `sluice rollback`",
    });
  }
  const part = intent.isPart === true ? { services: services.map(([name]) => name) } : {};
  const to = run.standingRelease?.id;
  return rollback(desk, id, { environment, ...part, ...(to === undefined ? {} : { to }), by, reason });
}

/** A watch found that a release is bad: it goes back, or asks whether it may. The same watch asks once. */
export async function returnAfterWatch(
  desk: Desk,
  run: Run,
  { because, asks }: { readonly because: string; readonly asks: boolean },
): Promise<DeploymentId> {
  const id = `${run.id}-back`;
  const known = fold(await desk.records.journal.read(id));
  if (known !== undefined) return id;
  const order = await returnTo(desk, { environment: run.environment });
  const policy = { roles: [], quorum: 1, note: because };
  const gates = asks ? { admission: [{ kind: "approve", policy, withinMs: 86_400_000 } as const] } : {};
  await request(desk, id, { ...order, intent: { ...order.intent, ...gates }, by: "sluice", reason: because });
  return id;
}

export async function returnTo(desk: Desk, asked: RollbackAsked): Promise<Order> {
  const { environment, services, all } = asked;
  const release = await targetOf(desk, asked);
  const here = await desk.records.environments.stands(environment);
  const intended = await desk.places.intend(release, environment);
  const returns: Returns = {
    withinMs: intended.backWithinMs ?? backWithinMs,
    services: all === true ? "each" : "together",
  };
  const intent = onlyThese(hurried(intended, returns), services);
  const undone = services === undefined ? bringerOf(await historyIn(desk.records, environment), here) : undefined;
  return {
    environment,
    release,
    intent,
    purpose: "rollback",
    ...(undone === undefined ? {} : { rollbackOf: undone.id }),
  };
}

/** The release to return to: the one that is named, when it may be, else the last that stood its bake here. */
export async function targetOf(
  desk: Desk,
  { environment, services, to }: Omit<RollbackAsked, "all">,
): Promise<Release> {
  const { targets, chosen } = await returnsOf(desk, environment, services);
  const named = to === undefined ? chosen : await namedTarget(desk, targets, to);
  if (named === undefined) {
    throw new Refusal(409, {
      so: `nothing stood in ${environment} before what stands there now`,
      mend: "Name a release that has stood there: `sluice rollback --to VERSION`",
    });
  }
  if ("refused" in named && named.refused !== undefined) {
    throw new Refusal(409, {
      so: `${environment} does not return to ${versionName(named.release.version)}: ${named.refused}`,
      mend: "`sluice rollback --list` shows to what it may; the rule is `rollback` in sluice.config.ts",
    });
  }
  return findRelease(desk.records, named.release.id);
}

export interface OfferedReturn extends ReturnTarget {
  readonly isDefault: boolean;
  /** Why the environment does not let it come back. */
  readonly refused?: string;
}

/** To what an environment may return, newest first, and what it returns to when nobody names one. */
export async function returnsOf(desk: Desk, environment: string, services?: readonly string[]) {
  const history = await historyIn(desk.records, environment);
  const here = await desk.records.environments.stands(environment);
  return offered(desk.records, { environment, history, here, ...(services === undefined ? {} : { services }) });
}

export interface Past {
  readonly environment: string;
  /** Newest first. */
  readonly history: readonly Run[];
  readonly here: Here;
  readonly services?: readonly string[];
}

/** The same, of any moment. */
export async function offered(records: Records, { environment, history, here, services }: Past) {
  const found = returnTargets(history, here, services);
  const refusals = await refusalsOf(records, { environment, here }, found);
  const brought = services === undefined ? bringerOf(history, here) : undefined;
  const best = defaultTarget(
    found.filter(({ release }) => refusals.get(release.id) === undefined),
    brought,
  );
  const targets = found.map((target): OfferedReturn => {
    const refused = refusals.get(target.release.id);
    const isDefault = target === best;
    return { ...target, isDefault, ...(refused === undefined ? {} : { refused }) };
  });
  return { targets, chosen: targets.find(({ isDefault }) => isDefault) };
}

/** The rule is the standing release's own configuration. */
async function refusalsOf(
  records: Records,
  { environment, here: { release } }: Pick<Past, "environment" | "here">,
  targets: readonly ReturnTarget[],
) {
  const standing = release === undefined ? undefined : await findRelease(records, release.id);
  const rules = standing === undefined ? undefined : configOf(standing).environments[environment]?.rollback;
  if (rules === undefined) return new Map<string, string>();
  const made = async (id: string, version: string): Promise<Made> => ({
    id,
    version,
    at: (await records.releases.get(id))?.at ?? 0,
  });
  const limit =
    rules.oldest === undefined ? undefined : await findRelease(records, rules.oldest).catch(() => undefined);
  const oldest = limit === undefined ? undefined : await made(limit.id, limit.version);
  const refused = targets.map(
    async ({ release: { id, version } }): Promise<[string, string | undefined]> => [
      id,
      refusedReturn(await made(id, version), rules, oldest),
    ],
  );
  return new Map((await Promise.all(refused)).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A release that never stood here is deployed, through its gates, not returned to. */
async function namedTarget(desk: Desk, targets: readonly OfferedReturn[], to: string) {
  const { id, version } = await findRelease(desk.records, to);
  const found = targets.find(({ release }) => release.id === id);
  if (found !== undefined) return found;
  throw new Refusal(409, {
    so: `${versionName(version)} is nothing to return to: it stands there already, or never has`,
    mend: "`sluice rollback --list` shows to what one may; `sluice deploy --release` brings a release through its gates",
  });
}

export async function historyIn(records: Records, environment: string): Promise<readonly Run[]> {
  return runsOf(records, await records.deployments({ environment, rowsMax: historyMax }));
}

async function openIn(records: Records, environment: string): Promise<readonly Run[]> {
  const ids = await records.deployments({ environment, open: true, rowsMax: historyMax });
  return (await runsOf(records, ids)).toReversed();
}

/** The oldest is the one under way; those that wait for their turn would bring what is not wanted. */
async function abortAll(desk: Desk, runs: readonly Run[], { by, reason }: Asking): Promise<Run> {
  const said = { by: { name: by, roles: [] }, ...(reason === undefined ? {} : { reason }) };
  const aborted: Run[] = [];
  for (const run of runs) {
    const isGoing = run.phase.kind === "retreating" || run.phase.kind === "turning";
    aborted.push(isGoing ? run : await command(desk.records, run.id, { verb: "abort", ...said }));
  }
  const [first] = aborted;
  if (first === undefined) throw new Error("there was something to abort");
  return first;
}

function underWay(open: readonly Run[], environment: string): Refusal {
  return new Refusal(409, {
    so: `${open[0]?.id} is under way in ${environment}`,
    mend: "Follow it with `sluice watch`; `sluice rollback --to VERSION` takes its place",
  });
}

function onlyThese(intent: Intent, services: readonly string[] | undefined): Intent {
  if (services === undefined) return intent;
  const unknown = services.filter((name) => intent.services[name] === undefined);
  if (unknown.length > 0) {
    throw new Refusal(422, {
      so: `the release has no service ${unknown.join(", ")}`,
      mend: `It has ${Object.keys(intent.services).join(", ")}`,
    });
  }
  const named = Object.entries(intent.services).filter(([name]) => services.includes(name));
  return { ...intent, isPart: true, services: Object.fromEntries(named) };
}
