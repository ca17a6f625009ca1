// What `sluice deploy` does: find or build the release, send it and the environment's secrets, ask, follow.

import type { ReleaseRef } from "../domain/event.ts";
import { versionName } from "../domain/name.ts";
import type { Release } from "../domain/release.ts";
import { findConfigFile, loadConfig } from "../workspace/config-file.ts";
import { secretValues } from "../workspace/env-file.ts";
import { type Api, findControlPlane, openApi } from "./api-client.ts";
import type { Exit } from "./exit.ts";
import { endOf, exitOf, follow } from "./follow.ts";
import { build, send } from "./send-release.ts";
import { standingIn } from "./standing.ts";
import type { Context } from "./verb.ts";

export interface DeployWishes {
  readonly environment: string;
  readonly from?: string;
  readonly release?: string;
  readonly only?: string;
  readonly name?: string;
  readonly reason?: string;
  readonly detach?: boolean;
  /** The same key asks once. */
  readonly key: string;
}

export async function deploy(context: Context, wishes: DeployWishes): Promise<Exit> {
  const { screen } = context;
  const api = openApi(await findControlPlane(context));
  // First, so that a missing value stops it before anything is built or sent.
  const secrets = await secretsHere(context, wishes.environment);
  const release = await releaseFor(api, context, wishes);
  if (Object.keys(secrets).length > 0) {
    await api.ask("putSecrets", { params: { environment: wishes.environment }, body: { values: secrets } });
  }
  const { environment, reason, key } = wishes;
  screen.say(
    `${versionName(release.version)} ${screen.colors.dim(release.id)} → ${screen.colors.bold(environment)}`,
    "",
  );
  const body = { environment, release: release.id, ...(reason === undefined ? {} : { reason }) };
  const { deployment } = await api.ask("deploy", { body, idempotencyKey: key });
  if (wishes.detach === true) {
    screen.say(`Asked for: ${deployment.id}   Look: sluice watch ${deployment.id}`);
    screen.answer(endOf(deployment));
    return "ok";
  }
  const run = await follow(api, { id: deployment.id, screen });
  screen.answer(endOf(run));
  return exitOf(run);
}

/** The environment's values as they are now; a release from elsewhere may be deployed without the repository at hand. */
async function secretsHere({ cwd }: Context, environment: string): Promise<Readonly<Record<string, string>>> {
  if (findConfigFile(cwd) === undefined) return {};
  const { root, config } = await loadConfig(cwd);
  return await secretValues({ root, config, environment });
}

async function releaseFor(
  api: Api,
  context: Context,
  { environment, from, release, only, name }: DeployWishes,
): Promise<ReleaseRef> {
  if (from !== undefined) return await standingIn(api, from);
  if (release !== undefined) return { id: release, version: release };
  const loaded = await loadConfig(context.cwd);
  const base = only === undefined ? undefined : await standingRelease(api, environment);
  const built = await build(loaded, context, { version: name, only: only?.split(","), base });
  if (await send(api, built, context)) return built.release;
  const { release: kept } = await api.ask("getRelease", { params: { id: built.release.id } });
  const { dim } = context.screen.colors;
  if (kept.version !== built.release.version)
    context.screen.say(dim(`  the same as ${versionName(kept.version)}, byte for byte`));
  return kept;
}

async function standingRelease(api: Api, environment: string): Promise<Release> {
  const { id } = await standingIn(api, environment);
  return (await api.ask("getRelease", { params: { id } })).release;
}
