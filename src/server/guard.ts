// What keeps other web pages out: a name that was rebound to this machine, a page of another origin (a deployed app on
// another port is one), a frame around ours.
import type { MiddlewareHandler } from "hono";
import { Refusal } from "./problem-answer.ts";

const ownNames = ["127.0.0.1", "localhost", "[::1]", "sluice.localhost"];

/** `hosts`: further names, without port, under which people reach this server. */
export function guard(hosts: readonly string[]): MiddlewareHandler {
  const allowed = new Set([...ownNames, ...hosts]);
  return async ({ req }, next) => {
    const host = req.header("host") ?? "";
    if (!allowed.has(host.replace(/:\d+$/, "").toLowerCase())) {
      throw new Refusal(403, {
        so: `this is not ${host.slice(0, 100) || "a host without a name"}`,
        mend: "Use the address that `sluice up` prints",
      });
    }
    const origin = req.header("origin");
    const site = req.header("sec-fetch-site");
    const isForeign = origin !== undefined && !isOriginOf(host, origin);
    // A link from elsewhere may open the page; nothing else of another origin may ask for anything.
    const isLink = req.method === "GET" && req.header("sec-fetch-mode") === "navigate" && !req.path.startsWith("/api/");
    if (isForeign || (site !== undefined && site !== "same-origin" && site !== "none" && !isLink)) {
      throw new Refusal(403, {
        so: `a page of another origin (${(origin ?? site ?? "").slice(0, 100)}) asked`,
        mend: "Open the page of the control plane itself",
      });
    }
    await next();
  };
}

function isOriginOf(host: string, origin: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  context.header("Content-Security-Policy", policy);
  context.header("X-Content-Type-Options", "nosniff");
  context.header("X-Frame-Options", "DENY");
  context.header("Referrer-Policy", "no-referrer");
  context.header("Cross-Origin-Resource-Policy", "same-origin");
  context.header("Cross-Origin-Opener-Policy", "same-origin");
  if (context.req.path.startsWith("/api/")) context.header("Cache-Control", "no-store");
};
