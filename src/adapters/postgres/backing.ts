// Databases for deployed services, on the server that the journal is on: each environment has one of its own, with a
// role of its own that may do nothing elsewhere.
import { randomBytes } from "node:crypto";
import { Problem } from "../../domain/problem.ts";
import type { Database } from "./connection.ts";

export interface BackingDatabase {
  readonly environment: string;
  readonly name: string;
}

/** Makes it, or finds it; answers its URL, which is secret. */
export async function provisionDatabase(
  database: Database,
  serverUrl: string,
  wanted: BackingDatabase,
): Promise<string> {
  const role = `${wanted.environment}_${wanted.name}`.replaceAll(/[^a-z0-9_]/g, "_").slice(0, 60);
  await database.ask(
    `insert into sluice.backing_databases (environment, name, role, password) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [wanted.environment, wanted.name, role, randomBytes(18).toString("base64url")],
  );
  const [kept] = await database.ask<{ role: string; password: string }>(
    "select role, password from sluice.backing_databases where environment = $1 and name = $2",
    [wanted.environment, wanted.name],
  );
  if (kept === undefined) throw new Error(`no database for ${wanted.environment}/${wanted.name}`);
  // Both names are letters, digits and _; the password is base64url.
  await unlessThere(() => database.ask(`create role "${kept.role}" login password '${kept.password}'`), wanted);
  await unlessThere(() => database.ask(`create database "${kept.role}" owner "${kept.role}"`), wanted);
  await database.ask(`revoke connect on database "${kept.role}" from public`);
  const url = new URL(serverUrl);
  url.username = kept.role;
  url.password = kept.password;
  url.pathname = `/${kept.role}`;
  return url.href;
}

const existsAlready = new Set(["42710", "42P04", "23505"]);
const mayNot = "42501";

async function unlessThere(make: () => Promise<unknown>, { environment, name }: BackingDatabase): Promise<void> {
  try {
    await make();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (existsAlready.has(code)) return;
    if (code !== mayNot) throw error;
    throw new Problem(
      `Sluice may not make a database for ${name} of ${environment} on this PostgreSQL server`,
      `Name one that exists: backing.${name}.url: { secret: "DATABASE_URL" }`,
    );
  }
}
