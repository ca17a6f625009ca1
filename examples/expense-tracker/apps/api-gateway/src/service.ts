// The gateway put together: the one door to the services. It authenticates and forwards.
import { readEnvironment, ServiceEnvironment } from "@tally/http/environment";
import { createLog } from "@tally/http/log";
import { startService } from "@tally/http/service";
import { SessionEnvironment } from "@tally/http/session";
import * as z from "zod/mini";
import { gatewayRoutes } from "./routes.ts";
import { createUpstream } from "./upstream.ts";

const Environment = z.object({
  ...ServiceEnvironment.shape,
  ...SessionEnvironment.shape,
  USER_SERVICE_URL: z.url(),
  EXPENSE_SERVICE_URL: z.url(),
  UPSTREAM_TIMEOUT_MS: z._default(z.coerce.number().check(z.int(), z.minimum(1)), 10_000),
});

export function startGateway(env: NodeJS.ProcessEnv) {
  const environment = readEnvironment(Environment, env);
  const name = "api-gateway";
  const log = createLog({ service: name, version: environment.VERSION, level: environment.LOG_LEVEL });
  const timeoutMs = environment.UPSTREAM_TIMEOUT_MS;
  const users = createUpstream({ name: "user-service", url: environment.USER_SERVICE_URL, timeoutMs, log });
  const expenses = createUpstream({ name: "expense-service", url: environment.EXPENSE_SERVICE_URL, timeoutMs, log });
  return startService({
    name,
    environment,
    log,
    routes: gatewayRoutes({ users, expenses, secrets: environment.SESSION_SECRET }),
    checks: { "user-service": users.check, "expense-service": expenses.check },
    close: async () => {
      users.close();
      expenses.close();
    },
  });
}
