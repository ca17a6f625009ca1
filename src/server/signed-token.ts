// Tokens that open one door and nothing else: what their bearer may do stands in them, signed with the control plane's own
// token, so that nobody chooses it. They are stored nowhere, expire, and end when that token is made anew.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Ms } from "../domain/frame.ts";

/** Untrusted builds (pull requests, forks) read what trusted ones wrote, and write for themselves alone. */
export type CacheScope = { readonly kind: "trusted" } | { readonly kind: "untrusted"; readonly name: string };

export interface RunnerGrant {
  readonly kind: "runner";
  readonly name: string;
  /** Builds that want more than these are not for it. */
  readonly labels: readonly string[];
}

export type Grant = CacheScope | RunnerGrant;

interface Granted {
  readonly grant: Grant;
  readonly expiresAt: Ms;
}

export function signedToken(secret: string, grant: Grant, expiresAt: Ms): string {
  const body = Buffer.from(JSON.stringify({ grant, expiresAt } satisfies Granted)).toString("base64url");
  return `sluicegrant_${body}_${signature(secret, body)}`;
}

/** What a token grants that was signed with `secret` and has not expired; undefined otherwise. */
export function grantOf(secret: string, header: string | undefined, now: Ms): Grant | undefined {
  const [, body, signed] = /^Bearer sluicegrant_([\w-]+?)_([0-9a-f]{64})$/.exec(header ?? "") ?? [];
  if (body === undefined || signed === undefined) return undefined;
  if (!timingSafeEqual(Buffer.from(signed), Buffer.from(signature(secret, body)))) return undefined;
  const { grant, expiresAt }: Granted = JSON.parse(Buffer.from(body, "base64url").toString());
  return expiresAt > now ? grant : undefined;
}

function signature(secret: string, body: string): string {
  return createHmac("sha256", secret).update(`grant ${body}`).digest("hex");
}
