// Certificates as they lie on this machine: where an authority's are kept, how long one is good, and what became of the
// last try for another. Readable by nobody but the host's user.
import { X509Certificate } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Ms } from "../../domain/frame.ts";
import { readWhole, writeWhole } from "../../host/whole-file.ts";

/** Names that certificates are asked for, and of whom. */
export interface AcmeWish {
  readonly domains: readonly string[];
  readonly email: string;
  /** Let's Encrypt's unless given. */
  readonly directory?: string;
}

/** The latest try that failed since the last one that succeeded. */
export interface AcmeFailure {
  readonly at: Ms;
  readonly so: string;
  readonly mend: string;
  /** In a row. */
  readonly times: number;
}

export interface Life {
  readonly notBefore: Ms;
  readonly notAfter: Ms;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What is kept between two starts: wishes by who has them, failures by domain. */
export interface AcmeNotes {
  readonly wishes: Readonly<Record<string, AcmeWish>>;
  readonly failures: Readonly<Record<string, AcmeFailure>>;
}

export function certificateFiles(dataFolder: string, domain: string): CertificateFiles {
  const folder = certificatesFolder(dataFolder);
  return { certFile: join(folder, `${domain}.crt`), keyFile: join(folder, `${domain}.key`) };
}

/** Two files cannot change at once: who reads them in between finds no pair, keeps the old one, and looks again. */
export function keepPair(files: CertificateFiles, { cert, key }: { cert: string; key: string }): void {
  writeWhole(files.keyFile, key);
  writeWhole(files.certFile, cert);
}

/** Undefined when there is none, or it is not to be read. */
export function lifeOf(certFile: string): (Life & { readonly names: readonly string[] }) | undefined {
  try {
    const { validFrom, validTo, subjectAltName = "" } = new X509Certificate(readWhole(certFile) ?? "");
    const names = subjectAltName.split(", ").map((name) => name.replace(/^DNS:/, ""));
    return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo), names };
  } catch {
    return undefined;
  }
}

/** When a third of its life is left; at once when there is none. */
export function dueAt(life: Life | undefined): Ms {
  return life === undefined ? 0 : life.notAfter - (life.notAfter - life.notBefore) / 3;
}

export function readNotes(dataFolder: string): AcmeNotes {
  return { wishes: {}, failures: {}, ...JSON.parse(readWhole(notesFile(dataFolder)) ?? "{}") };
}

export function writeNotes(dataFolder: string, notes: AcmeNotes): void {
  mkdirSync(certificatesFolder(dataFolder), { recursive: true, mode: 0o700 });
  writeWhole(notesFile(dataFolder), JSON.stringify(notes));
}

export function accountFile(dataFolder: string): string {
  return join(certificatesFolder(dataFolder), "account.key");
}

function notesFile(dataFolder: string): string {
  return join(certificatesFolder(dataFolder), "notes.json");
}

function certificatesFolder(dataFolder: string): string {
  return join(dataFolder, "certificates");
}
