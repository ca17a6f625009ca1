// One pool of connections. What a database does on a bad day (gone, restarting, full) is Temporary: the engine waits.
import pg from "pg";
import type { Ms } from "../../domain/frame.ts";
import { Temporary } from "../../domain/problem.ts";

export interface Database {
  ask<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** One connection for several questions: locks last as long as `use`. */
  withClient<T>(use: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly connectionsMax?: number;
  /** Told once for each time that the server cannot be reached: the embedded one is started again there. */
  readonly onUnreachable?: () => Promise<void>;
}

const connectTimeoutMs: Ms = 5_000;
const answerTimeoutMs: Ms = 15_000;

export function openDatabase({ url, connectionsMax = 10, onUnreachable }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    statement_timeout: answerTimeoutMs,
    application_name: "sluice",
    keepAlive: true,
    allowExitOnIdle: true,
  });
  pool.on("error", () => {}); // an idle connection broke: the next question opens another and tells
  const revive = oneAtATime(onUnreachable ?? (async () => {}));

  function tell(error: unknown): never {
    if (isUnreachable(error)) revive();
    throw asTemporary(error);
  }

  return {
    ask: async (text, values = []) => {
      const { rows } = await pool.query(text, [...values]).catch(tell);
      return rows;
    },
    withClient: async (use) => {
      const client = await pool.connect().catch(tell);
      client.on("error", ignore);
      try {
        const result = await use(client).catch(tell);
        client.off("error", ignore);
        client.release();
        return result;
      } catch (error) {
        client.release(true);
        throw error;
      }
    },
    close: () => pool.end(),
  };
}

function ignore(): void {}

/** A failed try is told again by the next question that goes unanswered. */
function oneAtATime(action: () => Promise<void>): () => void {
  let isRunning = false;
  return () => {
    if (isRunning) return;
    isRunning = true;
    action()
      .catch(ignore)
      .finally(() => {
        isRunning = false;
      });
  };
}

/** Not a bug and not the person's fault: another try may succeed. */
function asTemporary(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  const full = code === "53100" ? "the database's disk is full" : "the database does not answer";
  return isPassing(error, code) ? new Temporary(`${full}: ${error.message}`, { cause: error }) : error;
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && (codeOf(error) === "ECONNREFUSED" || /^Connection terminated/.test(error.message));
}

/** SQLSTATE classes: 08 connection, 53 resources, 57 operator, 40 conflict; 55P03 lock not available, 58 system. */
function isPassing(error: Error, code: string): boolean {
  return (
    /^(08|53|57|40|58)...$|^55P03$|^25006$/.test(code) ||
    /^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)/.test(code) ||
    /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired)/.test(
      error.message,
    ) ||
    /Client has encountered a connection error/.test(error.message)
  );
}

function codeOf(error: Error): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0] ?? new Error());
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
