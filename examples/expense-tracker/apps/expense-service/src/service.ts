// The expense service put together: what was spent, on what, and when.
import { DatabaseEnvironment, openDatabase } from "@tally/database/database";
import { readEnvironment, ServiceEnvironment } from "@tally/http/environment";
import { createLog } from "@tally/http/log";
import { startService } from "@tally/http/service";
import { SessionEnvironment } from "@tally/http/session";
import * as z from "zod/mini";
import { migrations, schema } from "./expenses.ts";
import { expenseRoutes } from "./routes.ts";

const Environment = z.object({
  ...ServiceEnvironment.shape,
  ...DatabaseEnvironment.shape,
  ...SessionEnvironment.shape,
});

export function startExpenseService(env: NodeJS.ProcessEnv) {
  const environment = readEnvironment(Environment, env);
  const name = "expense-service";
  const log = createLog({ service: name, version: environment.VERSION, level: environment.LOG_LEVEL });
  const database = openDatabase({ environment, schema, migrations, log });
  return startService({
    name,
    environment,
    log,
    routes: expenseRoutes({ database, secrets: environment.SESSION_SECRET }),
    checks: { database: database.check },
    close: database.close,
  });
}
