// The head of a request as the replica gets it: what the client sent, less its hop, plus who asked and how.
import type { RequestHead } from "./head.ts";

export interface Asked {
  readonly head: RequestHead;
  /** Length of the path prefix to take away. */
  readonly strip: number;
  readonly client: string;
  /** The chain before the router's peer, when that peer is trusted. */
  readonly forwardedFor: string;
  readonly proto: string;
  readonly forwardedHost: string;
  readonly requestId: string;
}

export function requestText({ head, strip, client, forwardedFor, proto, forwardedHost, requestId }: Asked): string {
  const target = strip === 0 ? head.target : head.target.slice(strip).replace(/^(?!\/)/, "/");
  const framing = head.framing === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
  const upgrade = head.upgrade === "" ? "" : `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  const host = head.host === "" ? "Host: \r\n" : "";
  const node = client.includes(":") ? `"[${client}]"` : client;
  return (
    `${head.method} ${target} HTTP/1.1\r\n${host}${head.fields}${framing}${upgrade}` +
    `X-Forwarded-For: ${forwardedFor}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${forwardedHost}\r\n` +
    `Forwarded: for=${node};host="${forwardedHost}";proto=${proto}\r\nVia: 1.${head.minor} sluice\r\n` +
    `X-Request-Id: ${requestId}\r\n\r\n`
  );
}
