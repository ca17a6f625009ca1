// Every certificate that this machine shows, and how long it is good: those of the environments' public ports, as the router's
// table names them, and the control plane's own.
import { existsSync, readFileSync } from "node:fs";
import { certificateFiles, lifeOf, readNotes } from "../adapters/acme/certificate-files.ts";
import { type CertificateHealth, certificateHealth } from "../domain/health.ts";
import { hostPaths } from "../host/paths.ts";
import type { Certificate, RouterTable } from "../host/table.ts";
import { keptDoor } from "./public-door.ts";

export { type AcmeWish, certificateFiles } from "../adapters/acme/certificate-files.ts";

/** Owner of the wishes that `sluice up` was given. */
export const ownName = "control plane";

export function environmentCertificates(dataFolder: string, environment: string): readonly CertificateHealth[] {
  const { listeners = [] } = readTable(dataFolder);
  const shown = listeners.find(({ id }) => id === `entry:${environment}`)?.tls?.certificates ?? [];
  return healthOf(dataFolder, shown);
}

/** Of the machine: its control plane's first. */
export function machineCertificates(dataFolder: string): readonly CertificateHealth[] {
  const door = keptDoor(dataFolder);
  const wanted = readNotes(dataFolder).wishes[ownName]?.domains ?? [];
  const own = wanted.map((host) => ({ ...certificateFiles(dataFolder, host), host }));
  const byFiles =
    door?.certFile === undefined || door.keyFile === undefined || own.some(({ certFile }) => certFile === door.certFile)
      ? []
      : [{ certFile: door.certFile, keyFile: door.keyFile, host: new URL(door.url).hostname }];
  const shown = (readTable(dataFolder).listeners ?? []).flatMap(({ tls }) => tls?.certificates ?? []);
  const all = new Map([...byFiles, ...own, ...shown].map((one) => [one.certFile, one]));
  return healthOf(dataFolder, [...all.values()]);
}

function healthOf(dataFolder: string, certificates: readonly Certificate[]): readonly CertificateHealth[] {
  const { failures } = readNotes(dataFolder);
  return certificates.map(({ certFile, host }) => {
    const life = lifeOf(certFile);
    const failure = host === undefined ? undefined : failures[host];
    return certificateHealth({
      name: host ?? life?.names.join(", ") ?? certFile,
      life,
      because: failure && `${failure.so}. ${failure.mend}`,
      now: Date.now(),
    });
  });
}

function readTable(dataFolder: string): Partial<RouterTable> {
  const file = hostPaths(dataFolder).table;
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}
