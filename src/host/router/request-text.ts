// The head of a request as the replica gets it: what the client sent, less its hop, plus who asked and how.
import type { RequestHead } from "./head.ts";

/** Who asks, and under which name: the peer, or whom a trusted peer names. */
export interface Sender {
  readonly client: string;
  readonly forwardedFor: string;
  readonly proto: string;
  readonly forwardedHost: string;
}

interface Described {
  readonly head: RequestHead;
  /** Length of the path prefix to take away. */
  readonly strip: number;
  readonly sender: Sender;
  readonly requestId: string;
}

export function requestText({ head, strip, sender, requestId }: Described): string {
  const { client, forwardedFor, proto, forwardedHost } = sender;
  const target = strip === 0 ? head.target : head.target.slice(strip).replace(/^(?!\/)/, "/");
  const framing = head.framing === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
  const hop = head.upgrade === "" && !head.takesTrailers ? "" : hopText(head);
  const host = head.host === "" ? "Host: \r\n" : "";
  const node = client.includes(":") ? `"[${client}]"` : client;
  return (
    `${head.method} ${target} HTTP/1.1\r\n${host}${head.fields}${framing}${hop}` +
    `X-Forwarded-For: ${forwardedFor}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${forwardedHost}\r\n` +
    `Forwarded: for=${node};host="${forwardedHost}";proto=${proto}\r\nVia: 1.${head.minor} sluice\r\n` +
    `X-Request-Id: ${requestId}\r\n\r\n`
  );
}

/** What was said to us and holds for the replica, too. */
function hopText({ upgrade, takesTrailers }: RequestHead): string {
  const options = [...(upgrade === "" ? [] : ["Upgrade"]), ...(takesTrailers ? ["TE"] : [])].join(", ");
  const fields = `${upgrade === "" ? "" : `Upgrade: ${upgrade}\r\n`}${takesTrailers ? "TE: trailers\r\n" : ""}`;
  return `Connection: ${options}\r\n${fields}`;
}
