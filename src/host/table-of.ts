// The router's whole table, from what each service is to route and which listeners are open. Pure.
import { join } from "node:path";
import type { Ms } from "../domain/frame.ts";
import type { DesiredEntry, DesiredService, ServiceKey } from "./api.ts";
import type { ListenerOptions, RoutedService, RouterTable, Rule } from "./table.ts";
import type { ListenerId } from "./twin.ts";

export interface TableParts {
  readonly version: number;
  readonly intervalMs?: Ms;
  readonly stickySecret: string;
  /** Where the plain port finds the answers to challenges. */
  readonly challenges: string;
  /** Folder of the access logs: one below it for each environment. */
  readonly logs: string;
  readonly listeners: readonly ListenerId[];
  readonly routes: Readonly<Record<ServiceKey, RoutedService>>;
  readonly desired: Readonly<Record<ServiceKey, DesiredService>>;
}

/** The plain HTTP port of a machine that speaks HTTPS. */
export const plainListener: ListenerId = "plain:http";

export function tableOf(parts: TableParts): RouterTable {
  const { version, intervalMs, stickySecret, listeners, routes, desired } = parts;
  return {
    version,
    ...(intervalMs === undefined ? {} : { intervalMs }),
    stickySecret,
    listeners: [...listeners].sort().map((id) => ({
      id,
      rules: rulesOf(id, desired),
      ...(id === plainListener ? { challenges: parts.challenges } : optionsOf(id, parts)),
    })),
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

/** What the latest command says of an environment's public port. */
export function entryOf(environment: string, desired: TableParts["desired"]): DesiredEntry | undefined {
  return Object.values(desired)
    .filter(({ entry, ingress }) => entry.environment === environment && ingress.length > 0)
    .toSorted((a, b) => b.fence.seq - a.fence.seq)[0]?.entry;
}

function optionsOf(id: ListenerId, { desired, logs }: TableParts): ListenerOptions {
  const [kind, environment = ""] = id.split(":");
  const options = kind === "entry" ? entryOf(environment, desired)?.options : undefined;
  if (options === undefined) return {};
  const { accessLogPercent, ...rest } = options;
  if (accessLogPercent === undefined) return rest;
  return { ...rest, accessLog: { file: join(logs, environment, "access.log"), samplePercent: accessLogPercent } };
}
