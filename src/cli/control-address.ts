// Which control plane a verb speaks to: the one that is named (--server, SLUICE_SERVER), else the one of this
// repository's data folder, else the one of the latest `sluice login`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../domain/problem.ts";
import { Unreachable } from "./exit.ts";
import { currentServer, loginAt } from "./logins.ts";

export interface Address {
  readonly url: string;
  readonly token: string;
  /** Certificate authority as PEM, beside those that Node knows. */
  readonly ca?: string;
}

export interface Choice {
  /** Data folder of a control plane on this machine. */
  readonly data: string;
  readonly server?: string | undefined;
  /** File with a certificate authority. */
  readonly ca?: string | undefined;
}

export async function findControlPlane({ data, server = process.env.SLUICE_SERVER, ca }: Choice): Promise<Address> {
  if (server) return remote(serverUrl(server), ca);
  const current = text(join(data, "token")) === undefined ? currentServer() : undefined;
  return current === undefined ? localControlPlane(data) : remote(current, ca);
}

/** Whether `findControlPlane` finds one on another machine. */
export function isRemote({ data, server = process.env.SLUICE_SERVER }: Choice): boolean {
  return Boolean(server) || (text(join(data, "token")) === undefined && currentServer() !== undefined);
}

/** The one that was started on this machine in a data folder. */
export function localControlPlane(data: string): Address {
  const [where, token] = [text(join(data, "control.json")), text(join(data, "token"))];
  if (where === undefined || token === undefined) {
    throw new Unreachable(
      `No control plane has been started in ${data}`,
      'Run "sluice up", or sign in to one on another machine: sluice login URL',
    );
  }
  const { url }: { url: string } = JSON.parse(where);
  return { url, token: token.trim() };
}

/** "sluice.example.com", "https://sluice.example.com:7443/" → an origin without a slash at its end. */
export function serverUrl(given: string): string {
  const whole = /^[a-z]+:\/\//i.test(given) ? given : `https://${given}`;
  const mend = "Name it as https://sluice.example.com or https://sluice.example.com:7443";
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.pathname !== "/") {
    throw new Problem(`"${given}" is not the address of a control plane`, mend);
  }
  return url.origin;
}

/** A token on an unencrypted line is anybody's on the way. */
export function refusePlainHttp(url: string, isAllowed: boolean): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || isAllowed || isLoopback(hostname)) return;
  throw new Problem(
    `${url} is not encrypted: whoever is on the way could take the token`,
    "Use https://, or where the network itself is private say so: sluice login --allow-http, SLUICE_ALLOW_HTTP=1 in CI",
  );
}

export function authorityIn(file: string): string {
  const pem = text(file);
  if (pem?.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new Problem(
    pem === undefined ? `${file} is not there` : `${file} is not a certificate in PEM form`,
    "Name the file with the certificate of your authority",
  );
}

function remote(url: string, caFile: string | undefined): Address {
  const { SLUICE_TOKEN, SLUICE_CA, SLUICE_ALLOW_HTTP } = process.env;
  const login = loginAt(url);
  const token = SLUICE_TOKEN || login?.token;
  if (!token)
    throw new Unreachable(`You are not signed in to ${url}`, `Run "sluice login ${url}", or set SLUICE_TOKEN`);
  refusePlainHttp(url, login?.allowHttp === true || SLUICE_ALLOW_HTTP === "1");
  const file = caFile ?? (SLUICE_CA || undefined);
  const ca = file === undefined ? login?.ca : authorityIn(file);
  return { url, token, ...(ca === undefined ? {} : { ca }) };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127\./.test(hostname);
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
