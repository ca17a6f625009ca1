// Certificates of this machine's domains: asked for when there is none, renewed when a third of their life is left, as files
// that the router and the control plane read again by themselves. A failure is one sentence, and what is there stays.
import { X509Certificate } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Issued, issue, letsEncrypt, newAccountKey } from "../adapters/acme/issue.ts";
import type { Ms } from "../domain/frame.ts";
import { Problem } from "../domain/problem.ts";
import { readWhole, writeWhole } from "../host/whole-file.ts";

export interface AcmeSettings {
  readonly domains: readonly string[];
  readonly email: string;
  /** Let's Encrypt's unless given. */
  readonly directory?: string;
}

/** What became of a domain's certificate; kept beside it for people. */
export interface CertificateState {
  readonly domain: string;
  readonly notAfter?: Ms;
  /** The latest try that failed since the last one that succeeded. */
  readonly failure?: { readonly at: Ms; readonly so: string; readonly mend: string };
}

export interface KeepOptions extends AcmeSettings {
  readonly dataFolder: string;
  readonly challenges: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const lookEveryMs: Ms = 3_600_000;
/** Authorities count failed tries by the hour. */
const retryAfterMs: readonly Ms[] = [30_000, 300_000, 900_000, 3_600_000, 3 * 3_600_000];

export function certificateFiles(dataFolder: string, domain: string): { certFile: string; keyFile: string } {
  const folder = certificatesFolder(dataFolder);
  return { certFile: join(folder, `${domain}.crt`), keyFile: join(folder, `${domain}.key`) };
}

export function certificateStates(dataFolder: string): readonly CertificateState[] {
  return JSON.parse(readWhole(join(certificatesFolder(dataFolder), "state.json")) ?? "[]");
}

/** What was said last; it stays in force. */
export function keptAcme(dataFolder: string): AcmeSettings | undefined {
  const text = readWhole(join(dataFolder, "acme.json"));
  return text === undefined ? undefined : JSON.parse(text);
}

export function keepAcme(dataFolder: string, settings: AcmeSettings): void {
  writeWhole(join(dataFolder, "acme.json"), JSON.stringify(settings));
}

export async function keepCertificates(options: KeepOptions): Promise<void> {
  const { dataFolder, domains, signal, log } = options;
  mkdirSync(certificatesFolder(dataFolder), { recursive: true, mode: 0o700 });
  mkdirSync(options.challenges, { recursive: true, mode: 0o700 });
  const states = new Map<string, CertificateState>();
  for (let failures = 0; !signal.aborted; ) {
    let hasFailed = false;
    for (const domain of domains) {
      const state = await renewed(domain, options);
      hasFailed ||= state.failure !== undefined;
      if (state.failure !== undefined) log(`${state.failure.so}. ${state.failure.mend}.`);
      states.set(domain, state);
      writeWhole(join(certificatesFolder(dataFolder), "state.json"), JSON.stringify([...states.values()]));
    }
    failures = hasFailed ? failures + 1 : 0;
    const present = domains.map((domain) => readWhole(certificateFiles(dataFolder, domain).certFile));
    const soonest = Math.min(...present.map((cert) => dueAt(cert) - Date.now()), lookEveryMs);
    const pauseMs = hasFailed ? (retryAfterMs[failures - 1] ?? lookEveryMs * 3) : Math.max(1_000, soonest);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** When a third of its life is left; at once when there is none or it is not to be read. */
export function dueAt(cert: string | undefined): Ms {
  const life = cert === undefined ? undefined : lifeOf(cert);
  return life === undefined ? 0 : life.notAfter - (life.notAfter - life.notBefore) / 3;
}

async function renewed(domain: string, options: KeepOptions): Promise<CertificateState> {
  const { dataFolder, log } = options;
  const { certFile } = certificateFiles(dataFolder, domain);
  const present = readWhole(certFile);
  if (Date.now() < dueAt(present)) return stateOf(domain, present);
  try {
    const issued = await issue({ ...(await orderOf(options)), domain });
    keep(dataFolder, domain, issued);
    const state = stateOf(domain, issued.cert);
    log(`a certificate for ${domain} was issued, good until ${new Date(state.notAfter ?? 0).toISOString()}`);
    return state;
  } catch (error) {
    const mend = error instanceof Problem ? error.mend : "See control.log";
    return {
      ...stateOf(domain, present),
      failure: { at: Date.now(), so: String(error instanceof Error ? error.message : error), mend },
    };
  }
}

async function orderOf({ dataFolder, challenges, directory = letsEncrypt, email }: KeepOptions) {
  const accountFile = join(certificatesFolder(dataFolder), "account.key");
  const accountKey = readWhole(accountFile) ?? (await newAccountKey());
  writeWhole(accountFile, accountKey);
  return {
    ...{ directory, email, accountKey },
    lay: async (token: string, answer: string) => writeWhole(join(challenges, token), answer),
    clear: async (token: string) => rmSync(join(challenges, token), { force: true }),
  };
}

/** Two files cannot change at once: who reads them in between finds no pair, keeps the old one, and looks again. */
function keep(dataFolder: string, domain: string, { cert, key }: Issued): void {
  const { certFile, keyFile } = certificateFiles(dataFolder, domain);
  writeWhole(keyFile, key);
  writeWhole(certFile, cert);
}

function stateOf(domain: string, cert: string | undefined): CertificateState {
  const life = cert === undefined ? undefined : lifeOf(cert);
  return { domain, ...(life === undefined ? {} : { notAfter: life.notAfter }) };
}

function lifeOf(cert: string): { readonly notBefore: Ms; readonly notAfter: Ms } | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(cert);
    return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
  } catch {
    return undefined;
  }
}

function certificatesFolder(dataFolder: string): string {
  return join(dataFolder, "certificates");
}
