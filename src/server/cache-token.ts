// Who may use the shared cache, and as what: the scope stands in the credential, signed with the control plane's own
// token, so that a build cannot choose it. Such a token opens nothing else, and ends when that token is made anew.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Ms } from "../domain/frame.ts";

/** Untrusted builds (pull requests, forks) read what trusted ones wrote, and write for themselves alone. */
export type CacheScope = { readonly kind: "trusted" } | { readonly kind: "untrusted"; readonly name: string };

interface Claims {
  /** Of an untrusted scope. */
  readonly name?: string;
  readonly expiresAt: Ms;
}

const prefix = "sluicecache";

export function cacheToken(secret: string, scope: CacheScope, expiresAt: Ms): string {
  const claims: Claims = { ...(scope.kind === "untrusted" ? { name: scope.name } : {}), expiresAt };
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${prefix}_${body}_${signature(secret, body)}`;
}

/** The scope of a token that was signed with `secret` and has not expired; undefined otherwise. */
export function cacheScope(secret: string, token: string, now: Ms): CacheScope | undefined {
  const [, body, signed] = /^sluicecache_([\w-]+?)_([0-9a-f]{64})$/.exec(token) ?? [];
  if (body === undefined || signed === undefined) return undefined;
  if (!timingSafeEqual(Buffer.from(signed), Buffer.from(signature(secret, body)))) return undefined;
  const { name, expiresAt }: Claims = JSON.parse(Buffer.from(body, "base64url").toString());
  if (expiresAt <= now) return undefined;
  return name === undefined ? { kind: "trusted" } : { kind: "untrusted", name };
}

function signature(secret: string, body: string): string {
  return createHmac("sha256", secret).update(`cache ${body}`).digest("hex");
}
