// What the steering verbs do: find the deployment, say the word, tell what it led to.
import { tellNow } from "../domain/prose.ts";
import { findControlPlane, openApi } from "./api-client.ts";
import type { Exit } from "./exit.ts";
import { findDeployment } from "./find-deployment.ts";
import { endOf, exitOf, follow } from "./follow.ts";
import type { Context } from "./verb.ts";

export interface Steer {
  readonly name: "promote" | "pause" | "resume" | "abort" | "retry" | "approve" | "refuse";
  readonly deployment: string | undefined;
  readonly reason?: string;
  readonly full?: boolean;
  readonly wait?: boolean;
}

export async function steer(context: Context, { name, deployment, reason, full, wait }: Steer): Promise<Exit> {
  const { screen } = context;
  const api = openApi(await findControlPlane(context));
  const { id: named } = await findDeployment(api, { name: deployment, orEnded: name === "retry" });
  const body = { ...(reason === undefined ? {} : { reason }), ...(full === true ? { full } : {}) };
  const { deployment: run } = await api.ask(name, { params: { id: named }, body });
  // A deployment that has ended is tried again as a new one.
  const { id } = run;
  if (wait === true) {
    const ended = await follow(api, { id, screen });
    screen.answer(endOf(ended));
    // An abort that took everything back did what it was asked to.
    return name === "abort" && ended.phase.kind === "ended" && ended.phase.outcome === "aborted" ? "ok" : exitOf(ended);
  }
  const now = tellNow(run, run.lastAt);
  screen.say(`${screen.colors.green("✓")} ${id}: ${now}`);
  screen.answer({ deployment: id, environment: run.environment, now });
  return "ok";
}
