// How other machines are to reach the control plane, from the options of `sluice up`.
import { resolve } from "node:path";
import type { PublicDoor } from "../compose/public-door.ts";
import { Problem } from "../domain/problem.ts";
import { serverUrl } from "./control-address.ts";

export interface DoorOptions {
  readonly public?: string | false | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly address?: string | undefined;
}

/** Null closes it; undefined leaves it as it was. */
export function doorOf(options: DoorOptions, cwd: string): PublicDoor | null | undefined {
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
  return {
    url,
    ...(address === undefined ? {} : { address }),
    ...(tlsCert === undefined ? {} : { certFile: resolve(cwd, tlsCert) }),
    ...(tlsKey === undefined ? {} : { keyFile: resolve(cwd, tlsKey) }),
  };
}
