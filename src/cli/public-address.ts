// How other machines are to reach the control plane, from the options of `sluice up`.
import { resolve } from "node:path";
import { type AcmeWish, certificateFiles } from "../compose/certificates.ts";
import type { PublicDoor } from "../compose/public-door.ts";
import { Problem } from "../domain/problem.ts";
import { serverUrl } from "./control-address.ts";

export interface AcmeOptions {
  readonly acmeDomain?: string | undefined;
  readonly acmeEmail?: string | undefined;
  readonly acmeDirectory?: string | undefined;
}

export interface DoorOptions {
  readonly public?: string | false | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly address?: string | undefined;
}

interface Place {
  readonly cwd: string;
  readonly data: string;
  readonly acme: AcmeWish | undefined;
}

/** Domains to ask certificates for; undefined leaves them as they were. */
export function acmeOf({ acmeDomain, acmeEmail, acmeDirectory }: AcmeOptions): AcmeWish | undefined {
  if (acmeDomain === undefined) return undefined;
  const domains = acmeDomain.split(",").map((name) => name.trim().toLowerCase());
  const wrong = domains.find((name) => !/^([a-z0-9-]+\.)+[a-z0-9-]+$/.test(name));
  if (wrong !== undefined) {
    throw new Problem(`"${wrong}" is not a domain that a certificate can be had for`, "Name it as shop.example.com");
  }
  if (acmeEmail === undefined) {
    throw new Problem(
      "The authority wants an address to write to",
      "Name it with --acme-email; it is an agreement to its terms",
    );
  }
  return { domains, email: acmeEmail, ...(acmeDirectory === undefined ? {} : { directory: acmeDirectory }) };
}

/** Null closes it; undefined leaves it as it was. */
export function doorOf(options: DoorOptions, { cwd, data, acme }: Place): PublicDoor | null | undefined {
  const { public: wanted, tlsCert, tlsKey, address } = options;
  if (wanted === false) return null;
  if (wanted === undefined || wanted === "") {
    if (tlsCert === undefined && tlsKey === undefined && address === undefined) return undefined;
    throw new Problem("No address for other machines is named", "Name it: --public https://sluice.example.com:7443");
  }
  const url = serverUrl(wanted);
  if (!url.startsWith("https:")) {
    throw new Problem(`${url} is not encrypted: tokens would be readable on the way`, "Name an https:// address");
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new Problem("A certificate needs its key, and a key its certificate", "Name both --tls-cert and --tls-key");
  }
  const { hostname } = new URL(url);
  if (tlsCert === undefined && acme?.domains.includes(hostname) === true) {
    const place = address === undefined ? {} : { address };
    return { url, ...place, ...certificateFiles(data, hostname), isAwaited: true };
  }
  return {
    url,
    ...(address === undefined ? {} : { address }),
    ...(tlsCert === undefined ? {} : { certFile: resolve(cwd, tlsCert) }),
    ...(tlsKey === undefined ? {} : { keyFile: resolve(cwd, tlsKey) }),
  };
}
