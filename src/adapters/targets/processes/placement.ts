// What a revision's configuration comes to on this machine: where the outside finds the service, and what the router does
// for its requests. Pure. It belongs to the revision that is being rolled out, and goes back with it.
import type { EnvironmentConfig } from "../../../domain/config/config.ts";
import { hostIn } from "../../../domain/config/resolve.ts";
import type { RevisionSpec } from "../../../domain/release.ts";
import type { DesiredEntry } from "../../../host/api.ts";
import type { Certificate, TrafficOptions } from "../../../host/table.ts";
import type { Placement } from "./requests.ts";

const buffer: Placement["buffer"] = { maxMs: 15_000, maxBytes: 4 * 2 ** 20 };

type Here = Pick<EnvironmentConfig, "port" | "domain"> & {
  /** Where an authority's certificates lie, by the name that each is for. */
  readonly issued?: readonly Certificate[];
};

export function placementOf(spec: RevisionSpec, environment: string, here: Here): Placement {
  const { ingress, traffic, entry } = spec;
  const rule = ingress && {
    path: ingress.path,
    stripPath: ingress.stripPath,
    ...(ingress.host === undefined ? {} : { host: hostIn(here.domain, ingress.host) }),
  };
  const held = traffic?.buffer;
  return {
    ingress: rule === undefined ? [] : [rule],
    entry: {
      environment,
      port: here.port,
      ...(here.domain === undefined ? {} : { domain: here.domain }),
      ...(entry === undefined ? {} : { options: entryOptions(entry, here.issued) }),
    },
    buffer: held ? { maxMs: held.within, maxBytes: held.memory, maxRequests: held.requests } : buffer,
    traffic: trafficOptions(spec, here.domain),
    ...(traffic?.mirror === undefined ? {} : { mirrorPercent: traffic.mirror }),
  };
}

function trafficOptions(
  { traffic = {}, ingress, routeClasses, maintenancePage }: RevisionSpec,
  domain: string | undefined,
): TrafficOptions {
  const { sticky, ejection, slowStart, retries, answerWithin, maxBody, maxAnswer, rateLimit, allow } = traffic;
  return given({
    maintenancePage,
    routeClasses,
    previewHosts: ingress?.previewHost === undefined ? undefined : [hostIn(domain, ingress.previewHost)],
    sticky: sticky && { cookie: sticky.cookie, maxAgeSeconds: Math.ceil(sticky.maxAge / 1_000) },
    ejection: ejection && {
      failuresInRow: ejection.failuresInRow,
      forMs: ejection.for,
      panicPercent: ejection.panicThreshold,
    },
    slowStartMs: slowStart,
    retryPercentMax: retries,
    answerMs: answerWithin,
    bodyBytesMax: maxBody,
    answerBytesMax: maxAnswer,
    rateLimit,
    allow: allow && Object.entries(allow).map(([path, from]) => ({ path, from })),
  });
}

function entryOptions(
  entry: NonNullable<RevisionSpec["entry"]>,
  issued: readonly Certificate[] = [],
): NonNullable<DesiredEntry["options"]> {
  const { tls = [], trustedProxies, connectionsPerClient, accessLog, slowClients } = entry;
  const ofFiles = tls.map(({ cert, key, host }) => ({ certFile: cert, keyFile: key, ...(host && { host }) }));
  const certificates = [...ofFiles, ...issued];
  return given({
    tls: certificates.length === 0 ? undefined : { certificates },
    trusted: trustedProxies,
    connectionsPerClientMax: connectionsPerClient,
    accessLogPercent: accessLog,
    patience:
      slowClients && given({ headMs: slowClients.head, idleMs: slowClients.idle, bodyStallMs: slowClients.stall }),
  });
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what nobody asked for. */
function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
