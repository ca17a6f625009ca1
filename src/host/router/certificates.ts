// The certificates of a TLS listener, by the name that a client asks for (SNI). Files are looked at every second and read
// again when they change; a pair that cannot be read leaves the last good one in use, and no connection is dropped.
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
  private loaded: readonly Loaded[];
  private readonly certificates: readonly Certificate[];

  /** Throws when a file is missing or makes no sense: such a table is not applied. */
  constructor(certificates: readonly Certificate[]) {
    this.certificates = certificates;
    this.loaded = certificates.map((certificate) => load(certificate));
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

  reload(): void {
    this.loaded = this.loaded.map((old) => {
      try {
        return stampOf(old.certificate) === old.stamp ? old : load(old.certificate);
      } catch (error) {
        // Half written, most likely: the next look will see it whole.
        console.error(`${old.certificate.certFile} stays as it was: ${error instanceof Error ? error.message : error}`);
        return old;
      }
    });
  }
}

function load(certificate: Certificate): Loaded {
  const stamp = stampOf(certificate);
  const pair = { cert: readFileSync(certificate.certFile), key: readFileSync(certificate.keyFile) };
  return { certificate, context: createSecureContext({ ...pair, minVersion: "TLSv1.2" }), pair, stamp };
}

function stampOf({ certFile, keyFile }: Certificate): string {
  return [certFile, keyFile].map((file) => `${statSync(file).mtimeMs} ${statSync(file).size}`).join();
}
