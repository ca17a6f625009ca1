// What `sluice rollback`, `restart`, `drill` and `retire` do: show what would happen, or ask for it and follow it.
import { drillTimes } from "../domain/drill.ts";
import { versionName } from "../domain/name.ts";
import type { Run } from "../domain/run.ts";
import { type Api, findControlPlane, openApi } from "./api-client.ts";
import type { Exit } from "./exit.ts";
import { findDeployment } from "./find-deployment.ts";
import { endOf, exitOf, follow } from "./follow.ts";
import { planAsRun } from "./plan.ts";
import { planLines } from "./print/plan.ts";
import { columns } from "./print/text.ts";
import type { Context } from "./verb.ts";

export interface Order {
  readonly name: "rollback" | "restart" | "drill" | "retire";
  /** An environment; for a rollback also the deployment that is to be undone. */
  readonly where: string;
  readonly to?: string;
  readonly services?: readonly string[];
  readonly all?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

export async function order(context: Context, wish: Order): Promise<Exit> {
  const { screen } = context;
  const api = openApi(await findControlPlane(context));
  if (wish.dryRun === true) return await preview(api, context, wish);
  const asked = await ask(api, wish);
  if (wish.detach === true) {
    screen.say(`Asked for: ${asked.id}   Look: sluice watch ${asked.id}`);
    screen.answer(endOf(asked));
    return "ok";
  }
  const run = await follow(api, { id: asked.id, screen });
  screen.answer({ ...endOf(run), ...(wish.name === "drill" ? drillTimes(run) : {}) });
  // Where a deployment was under way, going back was to take that one back.
  const isAborted = run.phase.kind === "ended" && run.phase.outcome === "aborted";
  return wish.name === "rollback" && isAborted && run.purpose === undefined ? "ok" : exitOf(run);
}

async function ask(api: Api, { name, where, to, services, all, reason }: Order): Promise<Run> {
  const { environments } = await api.ask("status");
  const isDeployment = name === "rollback" && !environments.some((environment) => environment.name === where);
  if (isDeployment) {
    const { id } = await findDeployment(api, { name: where });
    return (await api.ask("rollbackDeployment", { params: { id }, body: { reason } })).deployment;
  }
  const body = { to, services, reason, ...(all === true ? { all } : {}) };
  return (await api.ask(name, { params: { environment: where }, body })).deployment;
}

async function preview(api: Api, { screen }: Context, { name, where, to, services, all }: Order): Promise<Exit> {
  const body = { order: name, to, services, ...(all === true ? { all } : {}) };
  const made = await api.ask("preview", { params: { environment: where }, body });
  screen.say("", ...planLines(planAsRun({ ...made, notes: [] }, where), screen.colors));
  screen.answer(made);
  return "ok";
}

/** To what one may return, newest first. */
export async function listReturns(
  context: Context,
  { environment, services }: { readonly environment: string; readonly services?: readonly string[] },
): Promise<Exit> {
  const { screen } = context;
  const { colors } = screen;
  const api = openApi(await findControlPlane(context));
  const query = services === undefined ? {} : { services: services.join(",") };
  const { targets } = await api.ask("returns", { params: { environment }, query });
  const rows = targets.map(({ release, endedAt, isDefault, isDoubtful, refused }) => [
    `  ${isDefault ? colors.green("→") : " "} ${versionName(release.version)}`,
    colors.dim(release.id),
    new Date(endedAt).toISOString().slice(0, 16).replace("T", " "),
    refused !== undefined
      ? colors.yellow(refused)
      : isDoubtful
        ? colors.dim("taken back, or its gates were skipped")
        : "",
  ]);
  screen.say(...(rows.length === 0 ? [`  Nothing has stood in ${environment} before`] : columns(rows)));
  screen.answer({ targets });
  return "ok";
}
