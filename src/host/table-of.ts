// The router's whole table, from what each service is to route and which listeners are open. Pure.
import type { Ms } from "../domain/frame.ts";
import type { DesiredService, ServiceKey } from "./api.ts";
import type { RoutedService, RouterTable, Rule } from "./table.ts";
import type { ListenerId } from "./twin.ts";

export interface TableParts {
  readonly version: number;
  readonly intervalMs?: Ms;
  readonly listeners: readonly ListenerId[];
  readonly routes: Readonly<Record<ServiceKey, RoutedService>>;
  readonly desired: Readonly<Record<ServiceKey, DesiredService>>;
}

export function tableOf({ version, intervalMs, listeners, routes, desired }: TableParts): RouterTable {
  return {
    version,
    ...(intervalMs === undefined ? {} : { intervalMs }),
    listeners: [...listeners].sort().map((id) => ({ id, rules: rulesOf(id, desired) })),
    services: routes,
  };
}

/** Its own port for other services, and its environment's public one. */
export function listenersOf(service: ServiceKey, desired: DesiredService): readonly ListenerId[] {
  return [`service:${service}`, `entry:${desired.entry.environment}`];
}

function rulesOf(id: ListenerId, desired: TableParts["desired"]): readonly Rule[] {
  return Object.entries(desired).flatMap(([service, { ingress, entry }]) => {
    if (id === `service:${service}`) return [{ path: "/", service }];
    return id === `entry:${entry.environment}` ? ingress.map((rule) => ({ ...rule, service })) : [];
  });
}
