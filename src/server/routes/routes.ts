// The HTTP API as data: every route with its schemas. Requests are parsed by it, the OpenAPI document is printed from it,
// and clients take their types from it. All paths are below /api/v1.
import { type AccessAnswers, access } from "./access.ts";
import { type BuildsAnswers, builds } from "./builds.ts";
import { type DeploymentsAnswers, deployments } from "./deployments.ts";
import { type EnvironmentsAnswers, environments } from "./environments.ts";
import { type MachineAnswers, machine } from "./machine.ts";
import { type ReleasesAnswers, releases } from "./releases.ts";
import type { Route } from "./route.ts";

export const routes = {
  ...access,
  ...machine,
  ...builds,
  ...releases,
  ...environments,
  ...deployments,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;

/** What each route answers, for whoever writes it and whoever reads it. */
export interface Answers
  extends AccessAnswers,
    MachineAnswers,
    BuildsAnswers,
    ReleasesAnswers,
    EnvironmentsAnswers,
    DeploymentsAnswers {}
