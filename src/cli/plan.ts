// What `sluice plan` does: asks the control plane, or plans here, by the same functions, when none runs yet.

import { addressOf, isSecure } from "../domain/address.ts";
import type { Event, Fact, ReleaseRef } from "../domain/event.ts";
import { environmentNamed, intentFor } from "../domain/intent.ts";
import { type Plan, plan, type Standing } from "../domain/plan.ts";
import { revisionsFor } from "../domain/release.ts";
import { fold, type Run } from "../domain/run.ts";
import { loadConfig } from "../workspace/config-file.ts";
import { sha256 } from "../workspace/release-build.ts";
import { findControlPlane, openApi } from "./api-client.ts";
import { Unreachable } from "./exit.ts";
import { build } from "./send-release.ts";
import { standingIn } from "./standing.ts";
import type { Context } from "./verb.ts";

export interface PlanWishes {
  readonly environment: string;
  readonly release?: string | undefined;
  readonly from?: string | undefined;
}

export interface Made {
  readonly release: ReleaseRef;
  readonly plan: Plan;
  readonly stands: Standing;
  readonly standingRelease?: ReleaseRef;
  /** What the reader must know about how it was made. */
  readonly notes: readonly string[];
}

export async function makePlan(context: Context, { environment, release, from }: PlanWishes): Promise<Made> {
  const api = await findControlPlane(context).then(openApi, (error: unknown) => {
    if (error instanceof Unreachable && release === undefined && from === undefined) return undefined;
    throw error;
  });
  if (api === undefined) return await planHere(context, environment);
  const named = from === undefined ? release : (await standingIn(api, from)).id;
  const asked = named ?? (await built(context, environment));
  return { ...(await api.ask("plan", { body: { environment, release: asked } })), notes: [] };
}

async function built(context: Context, environment: string) {
  const loaded = await loadConfig(context.cwd);
  environmentNamed(loaded.config, environment);
  return (await build(loaded, context, {})).release;
}

/** Without a control plane nothing is known to stand: it is planned as a first deployment. */
async function planHere(context: Context, environment: string): Promise<Made> {
  const loaded = await loadConfig(context.cwd);
  const { port, domain, entry } = environmentNamed(loaded.config, environment);
  const { release } = await build(loaded, context, {});
  const found = revisionsFor(release, { environment, secretVersions: {}, digest: sha256 });
  const revisions = Object.fromEntries(Object.entries(found).map(([name, { revision }]) => [name, revision]));
  const publicUrl = addressOf({ domain, isSecure: isSecure(entry), port: port || "PORT" });
  const intent = intentFor({ config: loaded.config, environment, revisions, publicUrl });
  return {
    release: { id: release.id, version: release.version },
    plan: plan(intent, {}),
    stands: {},
    notes: ["No control plane runs here, so this is planned as a first deployment. Start one: sluice up"],
  };
}

/** A plan as a deployment that has just been planned: what the printing of plans and of deployments shares. */
export function planAsRun({ release, plan, stands, standingRelease }: Made, environment: string): Run {
  const intent = { services: {}, verify: [], onFailure: plan.onFailure, hold: plan.hold };
  const facts: readonly Fact[] = [
    { kind: "requested", environment, release, intent, by: "you" },
    { kind: "planned", plan, stands, ...(standingRelease === undefined ? {} : { standingRelease }) },
  ];
  const events = facts.map((fact, position): Event => {
    const where = { schema: 1, workspace: "", deployment: "plan", previous: "", hash: "" } as const;
    return { ...where, position, seq: position, at: 0, fact };
  });
  const run = fold(events);
  if (run === undefined) throw new Error("a request begins a run");
  return run;
}
