// Who asks: the machine's token, or a browser's session that a one-time code began. Sessions are signed with the token,
// not stored: they outlive the control plane, and end when the token is made anew.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Ms } from "../domain/frame.ts";
import type { Person } from "../domain/verbs.ts";
import type { Clock } from "../engine/ports.ts";
import { sha256 } from "./sha256.ts";

export interface Auth {
  /** The person behind an `Authorization` header, or undefined. */
  byBearer(header: string | undefined): Person | undefined;
  /** Whether an `Authorization` header holds the token with which metrics may be pushed, and nothing else be done. */
  isMetricsToken(header: string | undefined): boolean;
  bySession(cookie: string | undefined): Person | undefined;
  newCode(): string;
  /** A session for a code that was made within minutes and never used; undefined otherwise. */
  redeem(code: string): string | undefined;
  /** Counts a failed sign-in; true when there were too many within a minute. */
  failed(): boolean;
}

export const codeLivesMs: Ms = 5 * 60_000;
export const sessionLivesMs: Ms = 7 * 24 * 3_600_000;
const failuresMax = 20;
const codesMax = 100;

export interface AuthOptions {
  readonly token: string;
  readonly person: Person;
  readonly clock: Pick<Clock, "now">;
}

export function tokenAuth({ token, person, clock }: AuthOptions): Auth {
  const codes = new Map<string, Ms>();
  let failures: Ms[] = [];
  const signature = (expires: string) => createHmac("sha256", token).update(`session ${expires}`).digest("base64url");

  return {
    byBearer: (header) => (isSame(header ?? "", `Bearer ${token}`) ? person : undefined),
    isMetricsToken: (header) => isSame(header ?? "", `Bearer ${metricsTokenOf(token)}`),
    bySession: (cookie = "") => {
      const [expires = "", signed = ""] = cookie.split(".");
      return isSame(signed, signature(expires)) && Number(expires) > clock.now() ? person : undefined;
    },
    newCode: () => {
      for (const [known, until] of codes) if (until <= clock.now() || codes.size >= codesMax) codes.delete(known);
      const code = randomBytes(16).toString("base64url");
      codes.set(sha256(code), clock.now() + codeLivesMs);
      return code;
    },
    redeem: (code) => {
      const until = codes.get(sha256(code));
      codes.delete(sha256(code));
      if (until === undefined || until <= clock.now()) return undefined;
      const expires = String(clock.now() + sessionLivesMs);
      return `${expires}.${signature(expires)}`;
    },
    failed: () => {
      failures = [...failures.filter((at) => at > clock.now() - 60_000), clock.now()].slice(-failuresMax - 1);
      return failures.length > failuresMax;
    },
  };
}

/** Derived, so that it need not be kept: a service that is told it cannot make the other one of it. */
export function metricsTokenOf(token: string): string {
  return createHmac("sha256", token).update("push metrics").digest("base64url");
}

/** In constant time, whatever the lengths: hashes are compared. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}
