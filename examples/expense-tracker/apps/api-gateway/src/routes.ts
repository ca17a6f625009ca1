// Which path of the public API belongs to which service, and which of them need a session.
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { requireSession, type SignedIn } from "@tally/http/session";
import { type Handler, Hono } from "hono";
import type { Upstream } from "./upstream.ts";

type GatewayEnv = SignedIn & { Bindings: HttpBindings };
type Options = Readonly<{ users: Upstream; expenses: Upstream; secrets: readonly string[] }>;

export function gatewayRoutes({ users, expenses, secrets }: Options) {
  const signedIn = requireSession(secrets);
  const toUsers = forwardTo(users);
  const toExpenses = forwardTo(expenses);
  return new Hono<GatewayEnv>()
    .post("/api/accounts", toUsers)
    .on(["POST", "DELETE"], "/api/sessions", toUsers)
    .all("/api/accounts/*", signedIn, toUsers)
    .all("/api/expenses", signedIn, toExpenses)
    .all("/api/expenses/*", signedIn, toExpenses);
}

function forwardTo(upstream: Upstream): Handler<GatewayEnv> {
  return async (c) => {
    const { incoming, outgoing } = c.env;
    await upstream.forward({ incoming, outgoing, path: (incoming.url ?? "/").slice("/api".length) });
    return RESPONSE_ALREADY_SENT;
  };
}
