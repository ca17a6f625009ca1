// Sign up, sign in, sign out, and who am I.
import { type Account, type Session, SignIn, SignUp } from "@tally/contracts/accounts";
import type { Database } from "@tally/database/database";
import { parseBody } from "@tally/http/parse";
import { Refusal } from "@tally/http/refusal";
import { requireSession, type SignedIn, sessionCookie, sessionLifetimeSeconds, signSession } from "@tally/http/session";
import { type Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { addAccount, findAccount, findByEmail } from "./accounts.ts";
import { hashPassword, isPassword } from "./passwords.ts";

type Options = Readonly<{ database: Database; secrets: readonly string[]; passwordCost: number }>;

export function userRoutes({ database, secrets, passwordCost }: Options) {
  // Compared against when nobody has the address, so that the time taken does not tell who has an account.
  const nobodysHash = hashPassword("nobody has this password", passwordCost);

  /** Programs keep the token of the answer; a browser keeps the cookie, which its scripts cannot read. */
  function openSession(c: Context, account: Account) {
    const token = signSession({ account: account.id, secrets });
    setCookie(c, sessionCookie, token, { ...cookie(c), maxAge: sessionLifetimeSeconds });
    return c.json({ account, token } satisfies Session, 201);
  }

  return new Hono<SignedIn>()
    .post("/accounts", async (c) => {
      const { password, ...wanted } = await parseBody(c.req, SignUp);
      const account = await addAccount(database, {
        ...wanted,
        passwordHash: await hashPassword(password, passwordCost),
      });
      if (!account) {
        const message = "There is an account with this e-mail address already";
        throw new Refusal(409, "email_taken", message, { email: message });
      }
      return openSession(c, account);
    })
    .post("/sessions", async (c) => {
      const { email, password } = await parseBody(c.req, SignIn);
      const found = await findByEmail(database, email);
      const isRight = await isPassword(password, found?.passwordHash ?? (await nobodysHash));
      if (!found || !isRight) throw new Refusal(401, "wrong_password", "This e-mail address and password do not match");
      return openSession(c, found.account);
    })
    .delete("/sessions", (c) => {
      deleteCookie(c, sessionCookie, cookie(c));
      return c.body(null, 204);
    })
    .get("/accounts/me", requireSession(secrets), async (c) => {
      const account = await findAccount(database, c.get("account"));
      if (!account) throw new Refusal(401, "signed_out", "This account is gone");
      return c.json(account);
    });
}

function cookie(c: Context) {
  const secure = c.req.header("x-forwarded-proto") === "https";
  return { path: "/", httpOnly: true, sameSite: "Strict", secure } as const;
}
