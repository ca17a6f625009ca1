// What each route does. One entry a route: leaving one out does not compile.
import { accessHandlers } from "./access.ts";
import { buildsHandlers } from "./builds.ts";
import type { Handlers, Office } from "./call.ts";
import { deploymentsHandlers } from "./deployments.ts";
import { environmentsHandlers } from "./environments.ts";
import { machineHandlers } from "./machine.ts";
import { releasesHandlers } from "./releases.ts";

export function handlers(office: Office): Handlers {
  return {
    ...accessHandlers(office),
    ...machineHandlers(office),
    ...buildsHandlers(office),
    ...releasesHandlers(office),
    ...environmentsHandlers(office),
    ...deploymentsHandlers(office),
  };
}
