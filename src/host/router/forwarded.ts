// Who asks, as the proxies in front say it: by X-Forwarded-*, or by the standard field (RFC 7239). Believed only as far back
// as the proxies are trusted.
import { isIP } from "node:net";
import type { Addresses } from "./addresses.ts";
import { isHost, type RequestHead } from "./head.ts";
import type { Sender } from "./request-text.ts";

/** A longer one is no proxy's, and quotes in it would take long to tell apart. */
const standardLengthMax = 2_000;

interface Hop {
  /** Undefined where it is hidden or unknown. */
  readonly address: string | undefined;
  readonly proto: string;
  readonly host: string;
}

/** `direct`: as it looks from here. */
export function senderBehind(head: RequestHead, direct: Sender, trusted: Addresses): Sender {
  const hops = head.forwardedFor !== "" || head.forwarded === "" ? byThree(head) : byStandard(head.forwarded);
  let { client } = direct;
  let behind: Hop | undefined;
  for (const hop of hops.toReversed()) {
    if (!trusted.has(client)) break;
    behind = hop;
    if (hop.address === undefined) break;
    client = hop.address;
  }
  const addresses = hops.flatMap(({ address }) => address ?? []);
  return {
    client,
    forwardedFor: [...(head.forwardedFor === "" ? addresses : [head.forwardedFor]), direct.client].join(", "),
    proto: behind?.proto === "http" || behind?.proto === "https" ? behind.proto : direct.proto,
    forwardedHost: isHost(behind?.host ?? "") ? (behind?.host ?? "") : direct.forwardedHost,
  };
}

/** The three fields name scheme and host once for all hops. */
function byThree({ forwardedFor, forwardedProto, forwardedHost }: RequestHead): readonly Hop[] {
  return forwardedFor.split(",").map((hop) => ({
    address: isIP(hop.trim()) === 0 ? undefined : hop.trim(),
    proto: forwardedProto,
    host: forwardedHost,
  }));
}

/** `for=192.0.2.60;proto=https;host=a, for="[2001:db8::1]:4711"` */
function byStandard(forwarded: string): readonly Hop[] {
  if (forwarded.length > standardLengthMax) return [];
  const elements = forwarded.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  return elements.map((element) => {
    const said = new Map(
      [...element.matchAll(/([a-z]+)=("(?:[^"\\]|\\.)*"|[^;\s]*)/gi)].map(([, name = "", value = ""]) => [
        name.toLowerCase(),
        value.replace(/^"(.*)"$/, "$1"),
      ]),
    );
    const node = said.get("for") ?? "";
    const address = /^\[(.*)\](?::\d+)?$/.exec(node)?.[1] ?? node.replace(/:\d+$/, "");
    return {
      address: isIP(address) === 0 ? undefined : address,
      proto: (said.get("proto") ?? "").toLowerCase(),
      host: said.get("host") ?? "",
    };
  });
}
