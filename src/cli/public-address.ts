// How other machines are to reach the control plane, from the options of `sluice up`.
import { resolve } from "node:path";
import { type AcmeWish, certificateFiles } from "../compose/certificates.ts";
import type { PublicDoor } from "../compose/public-door.ts";
import { Problem } from "../domain/problem.ts";
import { serverUrl } from "./control-address.ts";
import type { PublicOptions } from "./public-options.ts";

interface Place {
  readonly cwd: string;
  readonly data: string;
  readonly acme: AcmeWish | undefined;
}

/** The certificate of its own to ask for; undefined leaves it as it was. */
export function acmeOf({ public: wanted, acmeEmail, acmeDirectory }: PublicOptions): AcmeWish | undefined {
  if (acmeEmail === undefined) return undefined;
  if (wanted === undefined || wanted === false || wanted === "") {
    throw new Problem("An authority is asked for a name", "Name it as well: --public https://sluice.example.com:7443");
  }
  const { hostname } = new URL(serverUrl(wanted));
  if (!/^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(hostname)) {
    throw new Problem(`"${hostname}" is no name that an authority gives a certificate for`, "Use a domain of yours");
  }
  return {
    domains: [hostname],
    email: acmeEmail,
    ...(acmeDirectory === undefined ? {} : { directory: acmeDirectory }),
  };
}

/** Plain HTTP, which authorities come to. */
export function httpPortOf({ acmeEmail, httpPort }: PublicOptions): string | undefined {
  return httpPort ?? (acmeEmail === undefined ? undefined : "80");
}

/** Null closes it; undefined leaves it as it was. */
export function doorOf(options: PublicOptions, { cwd, data, acme }: Place): PublicDoor | null | undefined {
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
  if (tlsCert !== undefined && acme !== undefined) {
    throw new Problem("There are two certificates", "Name --tls-cert and --tls-key, or --acme-email");
  }
  if (acme !== undefined) {
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
