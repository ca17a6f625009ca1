// Who asks, and the tokens that are given out.
import { codeLivesMs, metricsTokenOf } from "../auth.ts";
import { openapi } from "../openapi.ts";
import type { access } from "../routes/access.ts";
import { signedToken } from "../signed-token.ts";
import type { Handlers, Office } from "./call.ts";

const trusted = { kind: "trusted" } as const;

export function accessHandlers(office: Office): Pick<Handlers, keyof typeof access> {
  const { auth } = office;
  return {
    openapi: async () => openapi(office.version),
    session: async ({ who }) => ({ name: who.name }),
    loginCode: async () => {
      const code = auth.newCode();
      return { code, path: `/login?code=${code}`, expiresInMs: codeLivesMs };
    },
    metricsToken: async () => ({ token: metricsTokenOf(office.token) }),
    cacheToken: async ({ body: { untrusted, days } }) => {
      const expiresAt = office.clock.now() + days * 86_400_000;
      const scope = untrusted === undefined ? trusted : ({ kind: "untrusted", name: untrusted } as const);
      return { token: signedToken(office.token, scope, expiresAt), expiresAt };
    },
  };
}
