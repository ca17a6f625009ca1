// What stands in an environment, and what moves or closes it as a whole.
import { z } from "zod";
import type { ReleaseRef, Releases } from "../../domain/event.ts";
import type { Plan, ServiceName, Standing } from "../../domain/plan.ts";
import type { SecretVersions } from "../../domain/release.ts";
import type { Run } from "../../domain/run.ts";
import type { Planned } from "../orders.ts";
import type { Counted, Maintenance, Traffic } from "../records.ts";
import type { OfferedReturn } from "../returns.ts";
import { releaseBody } from "./releases.ts";
import { byVersion, environmentPath, name, type Route, reason, services } from "./route.ts";

export const environments = {
  status: {
    method: "get",
    path: "/status",
    summary: "Every environment: what stands, what is under way",
    query: z.object({ environment: name.optional() }),
    answers: "json",
  },
  plan: {
    method: "post",
    path: "/plan",
    summary: "What a deployment would do, frame by frame; nothing is changed",
    body: z.object({ environment: name, release: z.union([byVersion, releaseBody]) }),
    answers: "json",
  },
  rollback: {
    method: "post",
    path: "/environments/:environment/rollback",
    summary: "Return to the last release that stood its bake, or to a named one; what is under way goes back first",
    params: environmentPath,
    body: z.object({
      to: byVersion.optional(),
      services,
      all: z
        .boolean()
        .default(false)
        .describe("Emergency: each service goes by itself, those that cannot are reported"),
      reason,
    }),
    answers: "json",
  },
  returns: {
    method: "get",
    path: "/environments/:environment/returns",
    summary: "To which releases one may return, newest first, and to which by default",
    params: environmentPath,
    query: z.object({ services: z.string().optional().describe("Only these, separated by commas") }),
    answers: "json",
  },
  restart: {
    method: "post",
    path: "/environments/:environment/restart",
    summary: "Start a deployment of the unchanged release, by its strategy",
    params: environmentPath,
    body: z.object({ services, reason }),
    answers: "json",
  },
  drill: {
    method: "post",
    path: "/environments/:environment/drill",
    summary: "Rehearse: roll back, verify, return, and record how long each took",
    params: environmentPath,
    body: z.object({ to: byVersion.optional(), services, reason }),
    answers: "json",
  },
  retire: {
    method: "post",
    path: "/environments/:environment/retire",
    summary: "Agree that services that are in no configuration any more are drained and go",
    params: environmentPath,
    body: z.object({ services: z.array(name).min(1), reason }),
    answers: "json",
  },
  preview: {
    method: "post",
    path: "/environments/:environment/preview",
    summary: "What a rollback, restart, drill or retirement would do, frame by frame; nothing is changed",
    params: environmentPath,
    body: z.object({
      order: z.enum(["rollback", "restart", "drill", "retire"]),
      to: byVersion.optional(),
      services,
      all: z.boolean().default(false),
    }),
    answers: "json",
  },
  maintenance: {
    method: "put",
    path: "/environments/:environment/services/:service/maintenance",
    summary: "A service answers everybody with its maintenance page, or serves again",
    params: z.object({ environment: name, service: name }),
    body: z.object({ on: z.boolean(), reason }),
    answers: "json",
  },
  counted: {
    method: "get",
    path: "/environments/:environment/services/:service/counted",
    summary: "What was counted of the version that stands: intervals by route and by replica, for A/A and for power",
    params: z.object({ environment: name, service: name }),
    query: z.object({ minutes: z.coerce.number().min(1).max(60).default(10) }),
    answers: "json",
  },
  putSecrets: {
    method: "put",
    path: "/environments/:environment/secrets",
    summary: "Make these the current values of an environment's secrets; what was deployed keeps its own",
    params: environmentPath,
    body: z.object({ values: z.record(name, z.string().max(65_536)) }),
    answers: "json",
  },
} as const satisfies Record<string, Route>;

export interface EnvironmentsAnswers {
  /** `traffic`: while a demonstration sends requests. */
  status: { readonly environments: readonly EnvironmentStatus[]; readonly traffic?: Traffic };
  plan: {
    readonly plan: Plan;
    readonly release: ReleaseRef;
    readonly stands: Standing;
    readonly standingRelease?: ReleaseRef;
  };
  rollback: { readonly deployment: Run };
  returns: { readonly targets: readonly OfferedReturn[] };
  restart: { readonly deployment: Run };
  drill: { readonly deployment: Run };
  retire: { readonly deployment: Run };
  preview: Planned;
  maintenance: { readonly environment: string; readonly service: string; readonly on: boolean };
  counted: Counted & { readonly revision: string };
  /** Keyed hashes, never values. */
  putSecrets: { readonly versions: SecretVersions };
}

export interface EnvironmentStatus {
  readonly name: string;
  readonly url?: string;
  readonly stands: Standing;
  readonly release?: ReleaseRef;
  /** Of services that another release brought than the environment's. */
  readonly releases?: Releases;
  /** Those that have not ended, in the order of their turns: the first is under way. */
  readonly open: readonly Run[];
  readonly waiting: readonly string[];
  /** Services that answer everybody with their maintenance page. */
  readonly inMaintenance?: Readonly<Record<ServiceName, Maintenance>>;
}
