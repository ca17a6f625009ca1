// Databases for deployed services, on the server that the journal is on: each environment has one of its own, with a
// role of its own that may do nothing elsewhere.
import { createHash, randomBytes } from "node:crypto";
import type pg from "pg";
import { Problem } from "../../domain/problem.ts";
import type { Database } from "./connection.ts";

export interface BackingDatabase {
  readonly environment: string;
  readonly name: string;
}

/** Makes it, or finds it; answers its URL, which is secret. One at a time: roles and databases are the whole server's. */
export function provisionDatabase(database: Database, serverUrl: string, wanted: BackingDatabase): Promise<string> {
  return database.withClient(async (client) => {
    await client.query("select pg_advisory_lock(hashtext('sluice backing'))");
    try {
      const { role, password } = await roleFor(client, wanted);
      // Both names are letters, digits and _; the password is base64url.
      await unlessThere(() => client.query(`create role "${role}" login password '${password}'`), wanted);
      await unlessThere(() => client.query(`create database "${role}" owner "${role}"`), wanted);
      await client.query(`revoke connect on database "${role}" from public`);
      const url = new URL(serverUrl);
      url.username = role;
      url.password = password;
      url.pathname = `/${role}`;
      return url.href;
    } finally {
      await client.query("select pg_advisory_unlock(hashtext('sluice backing'))").catch(() => {}); // gone with its connection
    }
  });
}

async function roleFor(client: pg.ClientBase, wanted: BackingDatabase): Promise<{ role: string; password: string }> {
  const key = [wanted.environment, wanted.name];
  await client.query(
    `insert into sluice.backing_databases (environment, name, role, password) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [...key, roleOf(wanted), randomBytes(18).toString("base64url")],
  );
  const { rows } = await client.query<{ role: string; password: string }>(
    "select role, password from sluice.backing_databases where environment = $1 and name = $2",
    key,
  );
  const [kept] = rows;
  if (kept === undefined) throw new Error(`no database for ${key.join("/")}`);
  return kept;
}

/** Readable, and of its own for each pair: "a_b" with "c" is not "a" with "b_c". At most 63 bytes. */
function roleOf({ environment, name }: BackingDatabase): string {
  const readable = `${environment}_${name}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, "_")
    .slice(0, 50);
  return `${readable}_${createHash("sha256").update(`${environment}\n${name}`).digest("hex").slice(0, 8)}`;
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
