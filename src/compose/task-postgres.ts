// PostgreSQL for tasks: one embedded server a run, in a folder that goes with it, and a database of its own for each task.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded, stopEmbedded } from "../adapters/postgres/embedded/server.ts";
import type { Standing } from "../workspace/services/services.ts";
import { theGuard } from "../workspace/tasks/guard.ts";

export async function startTaskPostgres(): Promise<Standing> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-task-postgres-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const server = await startEmbedded(folder);
    const killNow = () => {
      try {
        process.kill(server.pid, "SIGQUIT");
      } catch {
        // gone already
      }
    };
    process.once("exit", killNow);
    const release = theGuard().watch(server.pid);
    return {
      envFor: async (task) => ({ DATABASE_URL: await databaseFor(server.url, task) }),
      stop: async () => {
        await stopEmbedded(folder);
        release();
        process.off("exit", killNow);
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Empty each time: what an earlier try left behind is dropped. */
async function databaseFor(url: string, task: string): Promise<string> {
  const name = `task_${createHash("sha1").update(task).digest("hex").slice(0, 16)}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}
