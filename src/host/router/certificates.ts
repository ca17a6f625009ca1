// The certificates of a TLS listener, by the name that a client asks for (SNI). Files are looked at every second and read
// again when they change; a pair that cannot be read leaves the last good one in use, and no connection is dropped. One that
// could never be read keeps its own names unserved, and nothing else.
import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Certificate } from "../table.ts";

export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

interface Loaded {
  readonly certificate: Certificate;
  readonly context: SecureContext;
  readonly pair: Pair;
  readonly stamp: string;
}

export class Certificates {
  private loaded: readonly Loaded[] = [];
  private readonly certificates: readonly Certificate[];
  private complaints = "";

  constructor(certificates: readonly Certificate[]) {
    this.certificates = certificates;
    this.reload();
  }

  /** Of the listener as it was, when the new table names the same files. */
  isOf(certificates: readonly Certificate[]): boolean {
    return JSON.stringify(certificates) === JSON.stringify(this.certificates);
  }

  contextFor(name: string): SecureContext | undefined {
    const asked = name.toLowerCase();
    const exact = this.loaded.find((l) => l.certificate.host?.toLowerCase() === asked);
    const wild = this.loaded.find((l) => l.certificate.host?.toLowerCase() === asked.replace(/^[^.]+/, "*"));
    return (exact ?? wild ?? this.anyName)?.context;
  }

  /** For clients that ask for no name. */
  get fallback(): Pair | undefined {
    return this.anyName?.pair;
  }

  private get anyName(): Loaded | undefined {
    return this.loaded.find((l) => l.certificate.host === undefined) ?? this.loaded[0];
  }

  /** What cannot be read stays as it was: half written, most likely, and the next look will see it whole. */
  reload(): void {
    const present = new Map(this.loaded.map((one) => [one.certificate, one]));
    const complaints: string[] = [];
    this.loaded = this.certificates.flatMap((certificate) => {
      const before = present.get(certificate);
      try {
        return [before?.stamp === stampOf(certificate) ? before : load(certificate)];
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        complaints.push(`${certificate.certFile} ${before ? "stays as it was" : "is not used"}: ${why}`);
        return before ? [before] : [];
      }
    });
    const text = complaints.join("; ");
    if (text !== "" && text !== this.complaints) console.error(text);
    this.complaints = text;
  }
}

/** Throws when a file is missing, or the two are no pair. */
export function checkCertificate(certificate: Certificate): void {
  load(certificate);
}

function load(certificate: Certificate): Loaded {
  const stamp = stampOf(certificate);
  const pair = { cert: readFileSync(certificate.certFile), key: readFileSync(certificate.keyFile) };
  return { certificate, context: createSecureContext({ ...pair, minVersion: "TLSv1.2" }), pair, stamp };
}

function stampOf({ certFile, keyFile }: Certificate): string {
  return [certFile, keyFile].map((file) => `${statSync(file).mtimeMs} ${statSync(file).size}`).join();
}
