// The two other doors of builds: git servers tell of pushes, signed with the repository's secret; runners take builds, with
// a token that opens nothing else. The server itself never runs a repository's code.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { type Build, orderOfPush, type Push, type Repository, type RunnerJob } from "../domain/build.ts";
import type { Ms } from "../domain/frame.ts";
import type { BuildQueue, HeldBuild } from "../engine/build-queue.ts";
import type { Clock } from "../engine/ports.ts";
import type { Auth } from "./auth.ts";
import { Refusal } from "./problem-answer.ts";
import type { Places } from "./records.ts";
import { sha256 } from "./sha256.ts";
import { grantOf, type RunnerGrant, signedToken } from "./signed-token.ts";

export interface BuildDoors {
  readonly builds: BuildQueue;
  readonly places: Pick<Places, "secretValues" | "hookSecret">;
  readonly auth: Auth;
  /** What tokens are signed with. */
  readonly secret: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const leaseMs: Ms = 10_000;
/** A runner that asks waits so long for a build. */
const waitsMs: Ms = 20_000;
const lookEveryMs: Ms = 1000;
const chunkMaxBytes = 2 ** 20;
const dayMs: Ms = 86_400_000;

/** Of a repository, in the secrets of the control plane. */
export function secretsOf(repository: string): string {
  return `repository/${repository}`;
}

export async function findRepository(
  { builds }: { readonly builds: Pick<BuildQueue, "repositories"> },
  name: string,
): Promise<Repository> {
  const all = await builds.repositories();
  const found = all.find((repository) => repository.name === name);
  if (found !== undefined) return found;
  const known = all.length === 0 ? "there are none yet" : `there are ${all.map((one) => one.name).join(", ")}`;
  throw new Refusal(404, {
    so: `there is no repository ${name}: ${known}`,
    mend: "Add it with `sluice repository add`",
  });
}

export function addBuilds(app: Hono, doors: BuildDoors): void {
  const { builds, places, secret, clock } = doors;
  app.post("/hooks/:repository", bodyLimit({ maxSize: 26 * 2 ** 20 }), async (context) => {
    const name = context.req.param("repository");
    const body = Buffer.from(await context.req.arrayBuffer());
    const repository = (await builds.repositories()).find((one) => one.name === name);
    // One answer for an unknown repository and for a wrong signature: it tells nobody what there is.
    if (repository === undefined || !isSigned(context, body, places.hookSecret(name))) throw unsigned(doors.auth);
    const push = pushIn(context, body);
    const order = push && orderOfPush(repository, push);
    if (order === undefined) return context.json({ because: "nothing is built for that" }, 202);
    // What is compared with is what was last built well, not what was there before the push: that may never have been.
    const base = repository.affected ? await builds.lastGood(order) : undefined;
    const wanted = base === undefined ? order : { ...order, base };
    const build = await builds.request(wanted, sha256(`${name} ${body}`));
    return context.json({ build: build.id }, 201);
  });

  app.post("/runner/v1/claim", async (context) => {
    const runner = runnerOf(context, doors);
    for (const until = clock.now() + waitsMs; ; await clock.sleep(lookEveryMs)) {
      const build = await builds.claim(runner.name, runner.labels, leaseMs);
      if (build !== undefined) return context.json(jobOf(build, doors));
      if (clock.now() >= until || doors.signal.aborted || context.req.raw.signal.aborted)
        return context.body(null, 204);
    }
  });
  app.post("/runner/v1/builds/:id/:attempt/beat", async (context) => {
    const held = await builds.beat(heldBy(context, doors), leaseMs);
    return held === undefined ? lost() : context.json(held);
  });
  app.put("/runner/v1/builds/:id/:attempt/log", bodyLimit({ maxSize: chunkMaxBytes }), async (context) => {
    const held = heldBy(context, doors);
    const at = Number(context.req.query("at") ?? 0);
    const arrived = await builds.log(held, at, new Uint8Array(await context.req.arrayBuffer()));
    return arrived === undefined ? lost() : context.json({ arrived });
  });
  app.post("/runner/v1/builds/:id/:attempt/end", async (context) => {
    const held = heldBy(context, doors);
    const { state, because } = await context.req.json<{ state: string; because?: string }>();
    if (state !== "succeeded" && state !== "failed" && state !== "cancelled")
      throw new Refusal(400, { so: `${state} is no end`, mend: "Say succeeded, failed or cancelled" });
    return (await builds.end(held, state, because?.slice(0, 500))) ? context.json({}) : lost();
  });

  function jobOf(build: Build, { clock: { now } }: BuildDoors): RunnerJob {
    const { repository, ref, isTrusted } = build.order;
    const { GIT_TOKEN: gitToken, ...secrets } = places.secretValues(secretsOf(repository));
    // A ref of its own each: one pull request's results are nothing that another may believe.
    const name = `${repository.slice(0, 40)}.${sha256(`${repository} ${ref}`).slice(0, 12)}`;
    const scope = isTrusted ? ({ kind: "trusted" } as const) : ({ kind: "untrusted", name } as const);
    return {
      build,
      secrets: isTrusted ? secrets : {},
      ...(gitToken === undefined ? {} : { gitToken }),
      cacheToken: signedToken(secret, scope, now() + dayMs),
    };
  }
}

function runnerOf(context: Context, { secret, clock, auth }: BuildDoors): RunnerGrant {
  const grant = grantOf(secret, context.req.header("authorization"), clock.now());
  if (grant?.kind === "runner") return grant;
  throw unsigned(auth);
}

function unsigned(auth: Auth): Refusal {
  if (auth.failed())
    return new Refusal(429, { so: "there were too many failed tries within a minute", mend: "Wait a minute" });
  return new Refusal(401, {
    so: "the token or the signature is not of this control plane, or it has expired",
    mend: "Make one with `sluice runner token`, or take the secret that `sluice repository add` printed",
  });
}

function lost(): never {
  throw new Refusal(409, {
    so: "this build is no longer this runner's",
    mend: "Drop it: another has it, or it has ended",
  });
}

function heldBy(context: Context, doors: BuildDoors): HeldBuild {
  const { name } = runnerOf(context, doors);
  return { id: context.req.param("id") ?? "", runner: name, attempt: Number(context.req.param("attempt")) };
}

/** GitHub, Gitea and Forgejo sign the body; GitLab sends the secret itself. */
function isSigned(context: Context, body: Buffer, secret: string): boolean {
  const digest = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const plain = context.req.header("x-gitlab-token");
  return plain === undefined ? isSame(context.req.header("x-hub-signature-256") ?? "", digest) : isSame(plain, secret);
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHmac("sha256", "compared").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

interface PushBody {
  readonly ref?: unknown;
  readonly after?: unknown;
  readonly pusher?: { readonly name?: unknown };
  readonly user_username?: unknown;
}

const commitForm = /^[0-9a-f]{40,64}$/;

/** GitHub's, Gitea's and GitLab's push; nothing for other events, tags and branches that were deleted. */
function pushIn(context: Context, body: Buffer): Push | undefined {
  const event =
    context.req.header("x-github-event") ?? context.req.header("x-gitea-event") ?? context.req.header("x-gitlab-event");
  if (event !== "push" && event !== "Push Hook") return undefined;
  let told: PushBody;
  try {
    told = JSON.parse(body.toString());
  } catch {
    throw new Refusal(400, { so: "the push is not JSON", mend: "Choose application/json as the hook's content type" });
  }
  const { ref, after } = told;
  if (typeof ref !== "string" || typeof after !== "string" || !commitForm.test(after) || /^0+$/.test(after))
    return undefined;
  const by = String(told.pusher?.name ?? told.user_username ?? "somebody").slice(0, 100);
  return { ref, commit: after, by };
}
