// What people ask for becomes facts: each written at exactly the position that it was decided on, or decided again.
import { canonical } from "../domain/canonical.ts";
import { parseConfig } from "../domain/config/config.ts";
import type { DeploymentId, Fact, Purpose } from "../domain/event.ts";
import { versionName } from "../domain/name.ts";
import type { Intent, QueuePolicy } from "../domain/plan.ts";
import type { Release } from "../domain/release.ts";
import { asksToReturn } from "../domain/return-target.ts";
import { fold, type Run } from "../domain/run.ts";
import { type Asked, decide } from "../domain/verbs.ts";
import { Refusal } from "./problem-answer.ts";
import type { Places, Records } from "./records.ts";
import { sha256 } from "./sha256.ts";

export interface Desk {
  readonly records: Records;
  readonly places: Pick<Places, "intend" | "restart"> & { readonly artifacts: Pick<Places["artifacts"], "has"> };
}

export interface Request {
  readonly environment: string;
  readonly release: Release;
  readonly intent: Intent;
  readonly by: string;
  readonly reason?: string | undefined;
  readonly rollbackOf?: DeploymentId;
  readonly purpose?: Purpose;
  readonly retryOf?: DeploymentId;
}

/** Writes the request under this id; when it was written before, answers what became of it. */
export async function request({ records, places }: Desk, id: DeploymentId, asked: Request): Promise<Run> {
  const { environment, release, intent, by, reason, rollbackOf, purpose, retryOf } = asked;
  await refuseLacking(places, release);
  const fact: Fact = {
    kind: "requested",
    environment,
    release: { id: release.id, version: release.version },
    intent,
    by,
    ...(reason === undefined ? {} : { reason }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(retryOf === undefined ? {} : { retryOf }),
  };
  const isNew = (await records.journal.append(id, 0, fact)) !== undefined;
  if (isNew) await supersede(records, { by: id, environment, policy: intent.queue ?? "wait" });
  const run = await runOf(records, id);
  if (run.environment === environment && run.release.id === release.id) return run;
  throw new Refusal(409, {
    so: `this Idempotency-Key was used for ${versionName(run.release.version)} in ${run.environment}`,
    mend: "Use a new key for each request",
  });
}

/** By the environment's policy, a new deployment takes the place of those that wait, or also of the one in progress. */
async function supersede(
  records: Records,
  { by, environment, policy }: { by: DeploymentId; environment: string; policy: QueuePolicy },
): Promise<void> {
  const open = await runsOf(records, await records.deployments({ environment, open: true, rowsMax: 200 }));
  const mine = open.find((run) => run.id === by);
  for (const run of open) {
    const isEarlier = run.id !== by && run.requestedAt <= (mine?.requestedAt ?? run.requestedAt);
    if (isEarlier && isReplaced(run, policy)) await supersedeOne(records, run, by);
  }
}

/** An automatic rollback that still asks whether it may is never in anybody's way. */
export function isReplaced(run: Run, policy: QueuePolicy): boolean {
  if (asksToReturn(run)) return true;
  if (policy === "wait") return false;
  return run.phase.kind === "queued" || (policy === "cancelInProgress" && run.phase.kind !== "retreating");
}

/** Written where it stands; when the deployment has moved on meanwhile, once more. */
async function supersedeOne(records: Records, run: Run, by: DeploymentId): Promise<void> {
  for (let attempt = 0, now = run; attempt < 20; attempt++) {
    if ((await records.journal.append(now.id, now.position, { kind: "superseded", by })) !== undefined) return;
    now = await runOf(records, now.id);
    if (now.phase.kind === "ended" || now.phase.kind === "retreating") return;
  }
}

/** A verb on a deployment. When another fact comes first, it is decided again on the new state. */
export async function command(records: Records, id: DeploymentId, asked: Asked): Promise<Run> {
  let run = await runOf(records, id);
  for (let attempt = 0; attempt < 50; attempt++) {
    const decision = decide(run, asked);
    if (decision.kind === "illegal") throw new Refusal(409, { so: decision.because, mend: decision.mend });
    const event = await records.journal.append(id, run.position, decision.fact);
    if (event !== undefined) return fold([event], run) ?? run;
    run = fold(await records.journal.read(id, run.position), run) ?? run;
  }
  throw new Refusal(409, { so: `${id} moves faster than this could be said`, mend: "Try again" });
}

export async function runOf(records: Records, id: DeploymentId): Promise<Run> {
  const run = fold(await records.journal.read(id));
  if (run !== undefined) return run;
  throw new Refusal(404, { so: `there is no deployment ${id}`, mend: "`sluice history` lists them" });
}

export async function runsOf(records: Records, ids: readonly DeploymentId[]): Promise<readonly Run[]> {
  return Promise.all(ids.map((id) => runOf(records, id)));
}

export async function findRelease(records: Records, name: string): Promise<Release> {
  const id = (await records.releases.byVersion(name))?.id ?? name;
  const kept = await records.releases.get(id);
  if (kept !== undefined) return asRelease(kept.frozen);
  throw new Refusal(404, { so: `there is no release ${name}`, mend: "Build and send it with `sluice deploy`" });
}

/** A release by its id or version, or the one that stands in an environment of that name. */
export async function releaseAt(records: Records, name: string): Promise<Release> {
  const standing = (await records.environments.stands(name)).release;
  return findRelease(records, standing?.id ?? name);
}

/** It was checked when it was kept, and has been immutable since. */
function asRelease(frozen: unknown): Release {
  return frozen as Release;
}

/** A release as it came over the wire: its id must be the hash of its contents, and its config must parse. */
export function checkedRelease(given: unknown): Release {
  const release = asRelease(given);
  const { services, config, configHash } = release;
  const id = `r-${sha256(canonical({ services, configHash })).slice(0, 12)}`;
  if (id !== release.id || sha256(canonical(config)) !== configHash) {
    throw new Refusal(422, {
      so: `release ${release.id} does not have the hash of its contents`,
      mend: "Build it again",
    });
  }
  const parsed = parseConfig(config);
  if (parsed.ok) return release;
  const errors = parsed.problems.map((problem) => ({
    path: `config.${problem.path}`,
    detail: `${problem.so}. ${problem.mend}`,
  }));
  throw new Refusal(422, { so: `the config of release ${release.id} does not parse`, mend: "Build it again", errors });
}

export async function lackingOf(places: Desk["places"], release: Release): Promise<readonly string[]> {
  const artifacts = [...new Set(Object.values(release.services).map(({ artifact }) => artifact))];
  const here = await Promise.all(artifacts.map((artifact) => places.artifacts.has(artifact)));
  return artifacts.filter((_, i) => here[i] === false);
}

async function refuseLacking(places: Desk["places"], release: Release): Promise<void> {
  const lacking = await lackingOf(places, release);
  if (lacking.length === 0) return;
  const services = Object.entries(release.services).filter(([, { artifact }]) => lacking.includes(artifact));
  throw new Refusal(409, {
    so: `the artifacts of ${services.map(([name]) => name).join(", ")} have not been sent yet`,
    mend: "Send them to /api/v1/artifacts/{sha256}/uploads, then ask again",
  });
}
