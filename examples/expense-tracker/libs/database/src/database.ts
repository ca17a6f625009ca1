// PostgreSQL for one service, which owns one schema and nothing else. The tables are made and upgraded at start under
// an advisory lock, so replicas may start together; a migration only ever adds, so two versions may run together.
import type { Finding } from "@tally/http/health";
import type { Log } from "@tally/http/log";
import { Refusal } from "@tally/http/refusal";
import pg from "pg";
import * as z from "zod/mini";

export const DatabaseEnvironment = z.object({
  DATABASE_URL: z.url(),
  DATABASE_POOL_SIZE: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 5),
});
export type DatabaseEnvironment = z.output<typeof DatabaseEnvironment>;

export type Database = Readonly<{
  /** A row a record; the caller parses them. Answers 503 for as long as the database cannot be reached. */
  query: (text: string, values?: readonly unknown[]) => Promise<readonly unknown[]>;
  check: () => Promise<Finding>;
  close: () => Promise<void>;
}>;

export type DatabaseOptions = Readonly<{
  environment: DatabaseEnvironment;
  schema: string;
  /** In order, never edited once released; each is one or more statements, run in the service's schema. */
  migrations: readonly string[];
  log: Log;
}>;

const retryAfterMs = 500;

/** Comes back at once: a database that is not there yet is waited for in the background, and `check` says so. */
export function openDatabase(options: DatabaseOptions): Database {
  const { environment, schema, log } = options;
  const pool = new pg.Pool({
    connectionString: environment.DATABASE_URL,
    max: environment.DATABASE_POOL_SIZE,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 5_000,
    application_name: schema,
    options: `-c search_path=${schema}`,
  });
  pool.on("error", (error) => log("warn", "an idle database connection was lost", { error }));

  let state: "waiting" | "ready" | "closed" = "waiting";
  let problem = "not reached yet";
  let retry: NodeJS.Timeout | undefined;
  const prepare = async () => {
    try {
      await migrate(pool, options);
      if (state === "waiting") state = "ready";
    } catch (error) {
      if (state === "closed") return;
      problem = messageOf(error);
      log("warn", "the database is not ready", { error });
      retry = setTimeout(() => {
        preparing = prepare();
      }, retryAfterMs);
    }
  };
  let preparing = prepare();

  return {
    async query(text, values = []) {
      if (state !== "ready") throw unavailable();
      try {
        return (await pool.query(text, [...values])).rows;
      } catch (error) {
        if (isConnectionLost(error)) throw unavailable();
        throw error;
      }
    },
    async check() {
      if (state !== "ready") return { status: "unhealthy", detail: problem };
      try {
        await pool.query("SELECT 1");
        return { status: "healthy" };
      } catch (error) {
        // Every replica lost it alike: taking them all out of service would turn an honest 503 into no answer at all.
        return { status: "degraded", detail: messageOf(error) };
      }
    },
    async close() {
      state = "closed";
      clearTimeout(retry);
      await preparing;
      await pool.end();
    },
  };
}

async function migrate(pool: pg.Pool, { schema, migrations, log }: DatabaseOptions): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`migrations of ${schema}`]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query("CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY, at timestamptz DEFAULT now())");
    const { rows } = await client.query<{ done: number }>("SELECT count(*)::int AS done FROM migration");
    // A newer version may have been here already; then there are more done than this one knows, and that is fine.
    const done = rows[0]?.done ?? 0;
    for (const [index, statements] of migrations.entries()) {
      if (index < done) continue;
      await client.query(statements);
      await client.query("INSERT INTO migration (number) VALUES ($1)", [index]);
      log("info", "migrated the database", { schema, migration: index });
    }
    await client.query("COMMIT");
    client.release();
  } catch (error) {
    client.release(true); // the connection goes, and with it the transaction and the lock
    throw error;
  }
}

function unavailable(): Refusal {
  return new Refusal(503, "database_unavailable", "The database cannot be reached; try again in a moment");
}

/** Class 08 is "connection exception", 57P01 to 57P03 are a server that stops or starts; the rest come from the socket. */
function isConnectionLost(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isOfSocket = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH)/.test(code);
  return isOfSocket || /^(08|57P0[123])/.test(code) || /connection terminated|timeout exceeded/i.test(messageOf(error));
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
