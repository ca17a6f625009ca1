// Why, where other deployments have a part in it: which release a return chose, and what took the place of what.
import type { DeploymentId, Event, FactOf } from "../domain/event.ts";
import { versionName } from "../domain/name.ts";
import type { Here } from "../domain/return-target.ts";
import { fold, type Run } from "../domain/run.ts";
import { type Decided, differs, notReplayed, same, type Why } from "../domain/why.ts";
import { decisionsOf } from "../engine/why.ts";
import { isReplaced } from "./commands.ts";
import type { Records } from "./records.ts";
import { type OfferedReturn, offered } from "./returns.ts";
import { sha256 } from "./sha256.ts";

type Found = Pick<Why, "inputs" | "replay">;

export async function whyIn(records: Records, id: DeploymentId): Promise<readonly Why[]> {
  return decisionsOf(await records.journal.read(id), {
    evidence: records.evidence,
    digest: sha256,
    among: ({ fact, ...decided }) =>
      fact.kind === "requested"
        ? requestedAgain(records, { ...decided, fact })
        : supersededAgain(records, { ...decided, fact }),
  });
}

/** By the policy with which the other came. */
async function supersededAgain(records: Records, { fact, before }: Decided<FactOf<"superseded">>): Promise<Found> {
  const other = fold((await records.journal.read(fact.by)).slice(0, 1));
  if (other === undefined) return { inputs: [], replay: differs(`there is no deployment ${fact.by}`) };
  const policy = other.intent.queue ?? "wait";
  const inputs = [`${fact.by} came with queue: ${policy}`, `it was ${before.phase.kind}`];
  return { inputs, replay: isReplaced(before, policy) ? same : differs("by that policy the other waits") };
}

async function requestedAgain(records: Records, { event, fact }: Decided<FactOf<"requested">>): Promise<Found> {
  const { environment, intent, release, by } = fact;
  const asked = [`${by} asked`, `while others are under way: ${intent.queue ?? "wait"}`];
  const isReturn = fact.purpose === "rollback" || fact.purpose === "drill";
  if (!isReturn) return { inputs: asked, replay: notReplayed("somebody asked for it") };
  const { history, here } = await pastOf(records, { environment, before: event });
  const services = intent.isPart === true && fact.purpose !== "drill" ? { services: Object.keys(intent.services) } : {};
  const { targets, chosen } = await offered(records, { environment, history, here, ...services });
  const stood = `${here.release === undefined ? "nothing" : versionName(here.release.version)} stood in ${environment}`;
  const inputs = [...asked, stood, ...targets.map(targetLine)];
  if (chosen?.release.id === release.id) return { inputs, replay: same };
  const named = targets.find((target) => target.release.id === release.id);
  const isAllowed = named !== undefined && named.refused === undefined;
  const usual = chosen === undefined ? "none" : versionName(chosen.release.version);
  return {
    inputs: [...inputs, `${versionName(release.version)} was named; nobody naming one, it would be ${usual}`],
    replay: isAllowed ? same : differs(`it may not return to ${versionName(release.version)}`),
  };
}

function targetLine({ release, deployment, isDefault, isDoubtful, refused }: OfferedReturn): string {
  const doubt = isDoubtful ? "its gates were skipped, or it was taken back" : "stood its bake";
  const words = [doubt, ...(refused === undefined ? [] : [refused]), ...(isDefault ? ["chosen"] : [])];
  return `${versionName(release.version)} (${deployment}): ${words.join("; ")}`;
}

/** The environment as it was when a request was written. */
async function pastOf(
  records: Records,
  { environment, before }: { readonly environment: string; readonly before: Event },
) {
  const ids = await records.deployments({ environment, rowsMax: 200 });
  const streams = await Promise.all(ids.map((id) => records.journal.read(id)));
  const known = streams.map((events) => events.filter(({ seq }) => seq < before.seq));
  const history = known.flatMap((events): readonly Run[] => {
    const run = fold(events);
    return run === undefined ? [] : [run];
  });
  const ends = known
    .filter((events) => events.some(({ fact }) => fact.kind === "planned"))
    .flatMap((events) => events.filter(({ fact }) => fact.kind === "ended"))
    .toSorted((a, b) => b.seq - a.seq);
  return { history, here: hereOf(ends[0], history) };
}

function hereOf(last: Event | undefined, history: readonly Run[]): Here {
  if (last?.fact.kind !== "ended") return { stands: {} };
  const { stands, release, outcome } = last.fact;
  const brought = history.find(({ id }) => id === last.deployment)?.release;
  const named = release ?? (outcome === "succeeded" ? brought : undefined);
  return { stands, ...(named === undefined ? {} : { release: named }) };
}
