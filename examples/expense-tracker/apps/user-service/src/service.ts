// The user service put together: accounts and sessions.
import { DatabaseEnvironment, openDatabase } from "@tally/database/database";
import { readEnvironment, ServiceEnvironment } from "@tally/http/environment";
import { createLog } from "@tally/http/log";
import { startService } from "@tally/http/service";
import { SessionEnvironment } from "@tally/http/session";
import * as z from "zod/mini";
import { migrations, schema } from "./accounts.ts";
import { userRoutes } from "./routes.ts";

const Environment = z.object({
  ...ServiceEnvironment.shape,
  ...DatabaseEnvironment.shape,
  ...SessionEnvironment.shape,
  PASSWORD_COST: z._default(z.coerce.number().check(z.int(), z.minimum(10), z.maximum(18)), 13),
});

export function startUserService(env: NodeJS.ProcessEnv) {
  const environment = readEnvironment(Environment, env);
  const name = "user-service";
  const log = createLog({ service: name, version: environment.VERSION, level: environment.LOG_LEVEL });
  const database = openDatabase({ environment, schema, migrations, log });
  const routes = userRoutes({ database, secrets: environment.SESSION_SECRET, passwordCost: environment.PASSWORD_COST });
  return startService({
    name,
    environment,
    log,
    routes,
    checks: { database: database.check },
    close: database.close,
  });
}
