// What people ask of an environment beside a new release: to return, to rehearse that, to restart, to let a service go,
// to try again. Each becomes an order, which is shown as a plan or written down as a request.
import type { DeploymentId, ReleaseRef } from "../domain/event.ts";
import { backWithinMs, hurried } from "../domain/hurry.ts";
import { versionName } from "../domain/name.ts";
import { passedBy } from "../domain/passed.ts";
import { type Intent, type Plan, plan, type Retiring, type ServiceName, type Standing } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import { type Desk, findRelease, type Request, request, runsOf } from "./commands.ts";
import { Refusal } from "./problem-answer.ts";
import type { Records } from "./records.ts";
import { type RollbackAsked, returnTo, targetOf } from "./returns.ts";
import { sha256 } from "./sha256.ts";

export type Order = Omit<Request, "by" | "reason">;

export interface OrderAsked extends RollbackAsked {
  /** The deployment that is to be: what it names is new each time. */
  readonly id: DeploymentId;
}

export type OrderName = "rollback" | "restart" | "drill" | "retire";

/** Refuses what cannot be done, in a sentence, before anything is written. */
export const orders: Record<OrderName, (desk: Desk, asked: OrderAsked) => Promise<Order>> = {
  rollback: returnTo,
  restart: async (desk, { environment, services, id }) => {
    await refuseWhileUnderWay(desk.records, environment);
    const { stands, release } = await standingIn(desk, environment);
    const wanted = only(stands, services, environment);
    const tag = sha256(id).slice(0, 6);
    const intent = await desk.places.restart(release, environment, { stands: wanted, tag });
    const { admission: _, ...admitted } = intent;
    return { environment, release, intent: { ...admitted, queue: "wait", isPart: true }, purpose: "restart" };
  },
  drill: async (desk, { environment, services, to }) => {
    await refuseWhileUnderWay(desk.records, environment);
    const { stands } = await standingIn(desk, environment);
    const release = await targetOf(desk, { environment, services, to });
    const intent = hurried(await desk.places.intend(release, environment));
    const rehearsed = rehearsable(intent, only(stands, services, environment), services !== undefined);
    return {
      environment,
      release,
      intent: { ...intent, services: rehearsed, queue: "wait", drill: true, isPart: true },
      purpose: "drill",
    };
  },
  retire: async (desk, { environment, services = [] }) => {
    await refuseWhileUnderWay(desk.records, environment);
    const { stands, release } = await standingIn(desk, environment);
    const going = Object.keys(only(stands, services, environment));
    const wanted = going.filter((name) => release.services[name] !== undefined);
    if (wanted.length > 0) {
      throw new Refusal(409, {
        so: `${versionName(release.version)}, which stands in ${environment}, has ${wanted.join(", ")}`,
        mend: "Take it out of sluice.config.ts and deploy that; then retire it",
      });
    }
    const { admission: _, ...base } = await desk.places.intend(release, environment);
    const retire = await retiring(desk.records, environment, going);
    const intent: Intent = { ...base, services: {}, verify: [], retire, isPart: true, queue: "wait" };
    return { environment, release, intent, purpose: "retire" };
  },
};

export interface Planned {
  readonly plan: Plan;
  readonly release: ReleaseRef;
  readonly stands: Standing;
  readonly standingRelease?: ReleaseRef;
}

/** What an order would do; nothing is written. */
export async function planned({ records }: Desk, { environment, intent, release }: Order): Promise<Planned> {
  const { stands, release: standing } = await records.environments.stands(environment);
  return {
    plan: plan(intent, stands),
    release: { id: release.id, version: release.version },
    stands,
    ...(standing === undefined ? {} : { standingRelease: standing }),
  };
}

export interface By {
  readonly by: string;
  readonly reason?: string | undefined;
}

/** The same release again, from the step at which it failed, where the same stands as then. */
export async function retryEnded(desk: Desk, id: DeploymentId, { run, by, reason }: By & { readonly run: Run }) {
  if (run.phase.kind !== "ended" || run.phase.outcome === "succeeded" || run.purpose !== undefined) {
    throw new Refusal(409, {
      so: `${run.id} ${run.purpose === undefined ? "has not failed" : `was a ${run.purpose}`}: there is nothing to try again`,
      mend: run.purpose === undefined ? "Deploy a release with `sluice deploy`" : "Ask for it again",
    });
  }
  const { environment } = run;
  const release = await findRelease(desk.records, run.release.id);
  const intent = await desk.places.intend(release, environment);
  const isSame = Object.entries(intent.services).every(
    ([name, { revision }]) => run.intent.services[name]?.revision === revision,
  );
  const passed = isSame && run.plan !== undefined ? { passed: passedBy(run) } : {};
  return request(desk, id, { environment, release, intent: { ...intent, ...passed }, by, reason, retryOf: run.id });
}

async function standingIn(desk: Desk, environment: string) {
  const { stands, release } = await desk.records.environments.stands(environment);
  if (release !== undefined) return { stands, release: await findRelease(desk.records, release.id) };
  throw new Refusal(409, { so: `nothing stands in ${environment}`, mend: "Deploy a release there first" });
}

function only(stands: Standing, services: readonly ServiceName[] | undefined, environment: string): Standing {
  const unknown = (services ?? []).filter((name) => stands[name] === undefined);
  if (unknown.length > 0) {
    throw new Refusal(422, {
      so: `${unknown.join(", ")} does not stand in ${environment}`,
      mend: `What stands there is ${Object.keys(stands).join(", ")}`,
    });
  }
  return Object.fromEntries(Object.entries(stands).filter(([name]) => services?.includes(name) ?? true));
}

/** Two sides that may never run together cannot be rehearsed without a break; nor what is new since then. */
function rehearsable(intent: Intent, stands: Standing, isNamed: boolean): Intent["services"] {
  const named = Object.entries(intent.services).filter(([name]) => stands[name] !== undefined);
  const [broken] = named.find(([, { strategy }]) => strategy.kind === "recreate") ?? [];
  if (broken !== undefined && isNamed) {
    throw new Refusal(409, {
      so: `${broken} moves by recreate: a drill would stop it for a moment, twice`,
      mend: "Name the other services",
    });
  }
  return Object.fromEntries(named.filter(([, { strategy }]) => strategy.kind !== "recreate"));
}

/** How a service was run when a deployment last spoke of it. */
async function retiring(
  records: Records,
  environment: string,
  names: readonly ServiceName[],
): Promise<Readonly<Record<ServiceName, Retiring>>> {
  const runs = await runsOf(records, await records.deployments({ environment, rowsMax: 200 }));
  return Object.fromEntries(
    names.map((name) => {
      const known = runs.find((run) => run.intent.services[name] !== undefined)?.intent.services[name];
      return [
        name,
        { size: known?.size ?? 1, serves: known?.serves ?? true, withinMs: known?.withinMs ?? backWithinMs },
      ];
    }),
  );
}

async function refuseWhileUnderWay(records: Records, environment: string): Promise<void> {
  const [open] = await records.deployments({ environment, open: true, rowsMax: 1 });
  if (open === undefined) return;
  throw new Refusal(409, {
    so: `${open} is under way in ${environment}`,
    mend: "`sluice abort` takes it back to what stood before",
  });
}
