// Deployments: their facts, what they were judged on, and the verbs of people.
import { z } from "zod";
import type { Event } from "../../domain/event.ts";
import type { Recording } from "../../domain/judge/replay.ts";
import type { Run } from "../../domain/run.ts";
import type { Why } from "../../domain/why.ts";
import type { ServiceEvidence } from "../../engine/evidence.ts";
import { byVersion, deploymentPath, flag, name, type Route, reason, whole } from "./route.ts";

export const deployments = {
  listDeployments: {
    method: "get",
    path: "/deployments",
    summary: "Deployments, newest first: the history",
    query: z.object({
      environment: name.optional(),
      open: flag.optional().describe("Only those that have not ended"),
      limit: whole.max(200).default(20),
    }),
    answers: "json",
  },
  deploy: {
    method: "post",
    path: "/deployments",
    summary: "Ask a release into an environment; with an Idempotency-Key, once",
    body: z.object({ environment: name, release: byVersion, reason }),
    answers: "json",
  },
  getDeployment: {
    method: "get",
    path: "/deployments/:id",
    summary: "One deployment",
    params: deploymentPath,
    answers: "json",
  },
  listEvents: {
    method: "get",
    path: "/deployments/:id/events",
    summary: "The facts of one deployment; live with Accept: text/event-stream",
    params: deploymentPath,
    query: z.object({
      from: whole.optional().describe("First position, or (live) the sequence number to go on after"),
    }),
    answers: "json",
  },
  events: {
    method: "get",
    path: "/events",
    summary: "All facts of all deployments, live; resume with Last-Event-ID or from",
    query: z.object({ from: whole.optional().describe("Sequence number to go on after; 0 is from the beginning") }),
    answers: "events",
  },
  chain: {
    method: "get",
    path: "/deployments/:id/chain",
    summary: "Whether the facts of a deployment are as they were written: every hash is computed again",
    params: deploymentPath,
    answers: "json",
  },
  evidence: {
    method: "get",
    path: "/deployments/:id/evidence",
    summary: "What its bakes were judged on: the evidence over time, both sides route by route, the table behind it",
    params: deploymentPath,
    answers: "json",
  },
  why: {
    method: "get",
    path: "/deployments/:id/why",
    summary:
      "Every decision with the numbers that decided it, made again from what was recorded; says where that differs",
    params: deploymentPath,
    answers: "json",
  },
  recordings: {
    method: "get",
    path: "/deployments/:id/recordings",
    summary:
      "All that the judge was told of a deployment's services: to run it again, as it was or with other parameters",
    params: deploymentPath,
    answers: "json",
  },
  promote: {
    method: "post",
    path: "/deployments/:id/promote",
    summary: "End the present wait with a yes",
    params: deploymentPath,
    body: z.object({ reason, full: z.boolean().default(false).describe("Skip the waits that are to come, too") }),
    answers: "json",
  },
  pause: verb("pause", "Stop before the next step"),
  resume: verb("resume", "Go on after a pause"),
  abort: verb("abort", "Take it back to where it began"),
  retry: verb(
    "retry",
    "Try again what failed: the step it holds at, or, when it has ended, from there as a new deployment",
  ),
  approve: verb("approve", "Say yes to the approval that is waited for"),
  refuse: verb("refuse", "Say no to it: the deployment goes back"),
  rollbackDeployment: verb("rollback", "Start a deployment that returns to what stood before this one"),
} as const satisfies Record<string, Route>;

export interface DeploymentsAnswers {
  listDeployments: { readonly deployments: readonly Run[] };
  deploy: { readonly deployment: Run };
  getDeployment: { readonly deployment: Run; readonly waiting: readonly string[] };
  listEvents: { readonly events: readonly Event[] };
  chain: { readonly events: number; readonly isUnbroken: boolean; readonly because?: string };
  evidence: { readonly services: readonly ServiceEvidence[] };
  why: { readonly decisions: readonly Why[] };
  recordings: { readonly services: readonly { readonly service: string; readonly recording: Recording }[] };
  promote: { readonly deployment: Run };
  pause: { readonly deployment: Run };
  resume: { readonly deployment: Run };
  abort: { readonly deployment: Run };
  retry: { readonly deployment: Run };
  approve: { readonly deployment: Run };
  refuse: { readonly deployment: Run };
  rollbackDeployment: { readonly deployment: Run };
}

function verb<Name extends string>(verbName: Name, summary: string) {
  return {
    method: "post",
    path: `/deployments/:id/${verbName}`,
    summary,
    params: deploymentPath,
    body: z.object({ reason }),
    answers: "json",
  } as const;
}
