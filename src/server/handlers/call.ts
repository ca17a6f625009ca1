// What a route's work is given, and what they share.
import type { Context } from "hono";
import type { z } from "zod";
import type { Person } from "../../domain/verbs.ts";
import type { Auth } from "../auth.ts";
import type { Desk } from "../commands.ts";
import type { Live } from "../live.ts";
import type { Places } from "../records.ts";
import type { Answers, RouteName, routes } from "../routes/routes.ts";
import { sha256 } from "../sha256.ts";

export interface Office extends Desk, Live {
  readonly records: Desk["records"];
  readonly places: Places;
  readonly auth: Auth;
  readonly version: string;
  /** The control plane's own. */
  readonly token: string;
  /** A new deployment's id. */
  newId(): string;
}

type Parsed<K extends RouteName, Part extends string> =
  (typeof routes)[K] extends Record<Part, infer S extends z.ZodType> ? z.output<S> : undefined;

export interface Call<K extends RouteName> {
  readonly params: Parsed<K, "params">;
  readonly query: Parsed<K, "query">;
  readonly body: Parsed<K, "body">;
  readonly who: Person;
  readonly context: Context;
}

type Answer<K extends RouteName> = K extends keyof Answers ? Answers[K] | Response : Response;
export type Handlers = { readonly [K in RouteName]: (call: Call<K>) => Promise<Answer<K>> };

/** The same Idempotency-Key is the same deployment, however often it is sent. */
export function idFor(office: Office, { req }: Context): string {
  const key = req.header("idempotency-key");
  return key === undefined ? office.newId() : `d-${sha256(key).slice(0, 10)}`;
}

export function given(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
