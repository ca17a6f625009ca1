// Sessions as signed tokens: account and expiry under an HMAC. Each service that needs to know who asks verifies the
// token itself, so none has to trust a header that another process may have written.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import * as z from "zod/mini";
import { Refusal } from "./refusal.ts";

export const sessionCookie = "tally_session";
export const sessionLifetimeSeconds = 30 * 24 * 60 * 60;

/**
 * `SESSION_SECRET` is one secret, or several with commas between: the first signs, all verify. So a secret is
 * changed by a rollout in which both versions serve at once, without signing anybody out.
 */
export const SessionEnvironment = z.object({
  SESSION_SECRET: z.pipe(
    z.pipe(
      z.string(),
      z.transform((text: string) => text.split(",").map((secret) => secret.trim())),
    ),
    z.array(z.string().check(z.minLength(16, "must be a secret of at least 16 characters"))).check(z.minLength(1)),
  ),
});

const Claims = z.object({ account: z.uuid(), until: z.number() });

export function signSession(
  options: Readonly<{ account: string; secrets: readonly string[]; nowMs?: number }>,
): string {
  const until = Math.floor((options.nowMs ?? Date.now()) / 1000) + sessionLifetimeSeconds;
  const claims = Buffer.from(JSON.stringify({ account: options.account, until })).toString("base64url");
  return `${claims}.${signature(claims, options.secrets[0] ?? "")}`;
}

/** The account that the token was signed for, or undefined if it is forged, mangled or has run out. */
export function verifySession(
  options: Readonly<{ token: string; secrets: readonly string[]; nowMs?: number }>,
): string | undefined {
  const [claims = "", given = ""] = options.token.split(".");
  if (!options.secrets.some((secret) => isEqual(given, signature(claims, secret)))) return undefined;
  const parsed = z.safeParse(Claims, JSON.parse(Buffer.from(claims, "base64url").toString()));
  if (!parsed.success || parsed.data.until * 1000 <= (options.nowMs ?? Date.now())) return undefined;
  return parsed.data.account;
}

export type SignedIn = { Variables: { account: string } };

/** Sets `account`, from a bearer token (programs) or the session cookie (browsers); without one the answer is 401. */
export function requireSession(secrets: readonly string[]): MiddlewareHandler<SignedIn> {
  return async (c, next) => {
    const bearer = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const token = bearer ?? getCookie(c, sessionCookie);
    const account = token === undefined ? undefined : verifySession({ token, secrets });
    if (account === undefined) throw new Refusal(401, "signed_out", "Sign in first");
    c.set("account", account);
    await next();
  };
}

function signature(claims: string, secret: string): string {
  return createHmac("sha256", secret).update(claims).digest("base64url");
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
