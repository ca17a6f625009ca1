import { expect, test } from "vitest";
import { sessionLifetimeSeconds, signSession, verifySession } from "./session.ts";

const account = "6c1f5a0e-6f2c-4a65-9a5c-3f6d4f3b2a10";
const secrets = ["the secret of today", "the secret of yesterday"];
const nowMs = 1_700_000_000_000;

test("a token names the account it was signed for", () => {
  const token = signSession({ account, secrets, nowMs });
  expect(verifySession({ token, secrets, nowMs })).toBe(account);
});

test("a token signed with the older secret still holds, one of a stranger does not", () => {
  const older = signSession({ account, secrets: ["the secret of yesterday"], nowMs });
  const forged = signSession({ account, secrets: ["a stranger's secret"], nowMs });
  expect(verifySession({ token: older, secrets, nowMs })).toBe(account);
  expect(verifySession({ token: forged, secrets, nowMs })).toBeUndefined();
});

test("a token whose claims were changed, or that is no token, is refused", () => {
  const [, signature] = signSession({ account, secrets, nowMs }).split(".");
  const claims = Buffer.from(JSON.stringify({ account, until: 9e9 })).toString("base64url");
  for (const token of [`${claims}.${signature}`, "", ".", "nonsense"]) {
    expect(verifySession({ token, secrets, nowMs })).toBeUndefined();
  }
});

test("a token runs out", () => {
  const token = signSession({ account, secrets, nowMs });
  expect(verifySession({ token, secrets, nowMs: nowMs + sessionLifetimeSeconds * 1_000 })).toBeUndefined();
});
