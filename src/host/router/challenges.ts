// The plain HTTP port beside HTTPS ones: answers ACME's HTTP-01 challenges (RFC 8555, 8.3) from files that whoever asks for
// a certificate lays down, and sends everything else on to HTTPS.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestHead } from "./head.ts";
import { hostname } from "./matching.ts";
import type { OwnAnswer } from "./own-answer.ts";

const challenge = /^\/\.well-known\/acme-challenge\/([\w-]{1,128})$/;

export function challengeAnswer(
  { host, path, target }: Pick<RequestHead, "host" | "path" | "target">,
  folder: string,
): OwnAnswer {
  const [, token] = challenge.exec(path) ?? [];
  if (host === "") return { status: 404, error: "no-service" };
  if (token === undefined)
    return { status: 308, error: "moved", location: `https://${hostname(host)}${target}`, text: "" };
  try {
    return { status: 200, error: "", text: readFileSync(join(folder, token), "utf8") };
  } catch {
    return { status: 404, error: "no-such-challenge" };
  }
}
