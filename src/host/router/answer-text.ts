// The head of an answer as the client gets it: what the replica sent, less its hop, plus which revision it was.
import type { AnswerHead } from "./head.ts";
import type { Relay } from "./upstream.ts";

interface Told {
  readonly head: AnswerHead;
  readonly relay: Relay;
  /** Lines of the router's own, each with its CRLF. */
  readonly stamp: string;
  readonly clientMinor: number;
  readonly keepsAlive: boolean;
}

export function answerText({ head, relay, stamp, clientMinor, keepsAlive }: Told): string {
  const isChunked = relay === "into chunks" || (head.framing === "chunked" && relay === "as it is");
  const framing = isChunked ? "Transfer-Encoding: chunked\r\n" : "";
  const kept = clientMinor === 0 ? "Connection: keep-alive\r\n" : "";
  return `HTTP/1.1 ${head.statusText}\r\n${head.fields}${stamp}${framing}${keepsAlive ? kept : "Connection: close\r\n"}\r\n`;
}

export function upgradeText(head: AnswerHead, stamp: string, upgrade: string): string {
  return `HTTP/1.1 ${head.statusText}\r\n${head.fields}${stamp}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
}

/** Whether the client's connection must end with this answer, since only its end tells where the answer does. */
export function endsWithConnection(head: AnswerHead, relay: Relay, clientMinor: number): boolean {
  return clientMinor === 0 && (relay === "out of chunks" || head.framing === "eof");
}
