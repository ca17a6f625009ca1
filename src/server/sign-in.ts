// How a browser signs in: the address with a one-time code, that the terminal prints or opens, becomes a cookie.
import type { Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Person } from "../domain/verbs.ts";
import { type Auth, sessionLivesMs } from "./auth.ts";
import { Refusal } from "./problem-answer.ts";

/** Who asks, or a refusal. */
export function personOf(context: Context, auth: Auth): Person {
  const header = context.req.header("authorization");
  const person = header === undefined ? auth.bySession(getCookie(context, cookieName(context))) : auth.byBearer(header);
  if (person !== undefined) return person;
  // Looking without any credentials is not a failed try.
  if (header !== undefined && auth.failed()) throw tooMany();
  throw new Refusal(401, {
    so: header === undefined ? "nobody is signed in" : "the token is not this control plane's",
    mend: "Open the address that `sluice open` prints, or send the token of the data folder",
  });
}

export function addSignIn(app: Hono, auth: Auth): void {
  app.get("/login", (context) => {
    const session = auth.redeem(context.req.query("code") ?? "");
    if (session === undefined) {
      const text = auth.failed() ? tooMany().message : "This link was used already, or is older than five minutes.";
      return context.html(notice(text, "Run: sluice open"), auth.failed() ? 429 : 401);
    }
    setCookie(context, cookieName(context), session, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: sessionLivesMs / 1000,
      secure: new URL(context.req.url).protocol === "https:",
    });
    // A page of ours goes on to the dashboard: a redirect of a link from elsewhere would not carry a Strict cookie.
    return context.html(
      '<!doctype html><meta http-equiv="refresh" content="0;url=/"><link rel="icon" href="/gate.svg"><title>Sluice</title>',
    );
  });
}

/** Cookies do not tell ports apart, so the name does: several control planes may be open in one browser. */
function cookieName(context: Context): string {
  return `sluice_${/:(\d+)$/.exec(context.req.header("host") ?? "")?.[1] ?? "session"}`;
}

function tooMany(): Refusal {
  return new Refusal(429, { so: "there were too many failed sign-ins within a minute", mend: "Wait a minute" });
}

function notice(so: string, mend: string): string {
  return `<!doctype html><html lang="en"><link rel="icon" href="/gate.svg"><title>Sluice</title><style>body{font:16px system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem;color-scheme:light dark}</style><p>${so}</p><p><code>${mend}</code></p></html>`;
}
