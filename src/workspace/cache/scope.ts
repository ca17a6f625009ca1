// What a run may believe, and what others may believe of it. What is trusted lies on one shelf, what each untrusted scope
// made on another: on the server, in the bucket and on this machine alike. A trusted run reads the trusted shelf only.
import { Problem } from "../../domain/problem.ts";
import type { Environment } from "../tasks/environment.ts";

export type Shelf = "trusted" | `untrusted/${string}`;

export type Scope = Readonly<{
  /** Where what it makes goes, unless it was made of something less trusted. */
  makes: Shelf;
  /** Where it looks, in order. */
  reads: readonly Shelf[];
}>;

export const trusted: Scope = { makes: "trusted", reads: ["trusted"] };
/** At a server that tells no scopes, of entries that are not signed: anybody with a token may have written them. */
export const unvouched: Scope = { makes: "trusted", reads: ["trusted", "untrusted/unsigned"] };

export function untrusted(name: string): Scope {
  return { makes: `untrusted/${name}`, reads: ["trusted", `untrusted/${name}`] };
}

const nameForm = /^(?!\.+$)[\w.-]{1,60}$/;

/** From the credential; or from SLUICE_CACHE_SCOPE, where credentials do not tell (S3). */
export function scopeOfRun(env: Environment): Scope {
  const named = env.SLUICE_CACHE_SCOPE;
  if (!named || named === "trusted") return scopeInToken(tokenIn(env)) ?? trusted;
  const name = named.replace(/^untrusted\//, "");
  if (nameForm.test(name)) return untrusted(name);
  throw new Problem(
    `SLUICE_CACHE_SCOPE=${named} is no scope`,
    "Write trusted, or untrusted/NAME with letters, digits, dots and dashes",
  );
}

/** A token of `sluice cache token` says what it is for; undefined for any other. The server goes by its signature. */
export function scopeInToken(token: string): Scope | undefined {
  const [, body] = /^sluicegrant_([\w-]+?)_[0-9a-f]{64}$/.exec(token) ?? [];
  if (body === undefined) return undefined;
  const { grant }: { grant?: { kind?: unknown; name?: unknown } } = parsed(Buffer.from(body, "base64url").toString());
  if (grant?.kind === "trusted") return trusted;
  return grant?.kind === "untrusted" && typeof grant.name === "string" ? untrusted(grant.name) : undefined;
}

function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export function tokenIn(env: Environment): string {
  return (env.SLUICE_CACHE_TOKEN || env.TURBO_TOKEN || "").trim();
}
