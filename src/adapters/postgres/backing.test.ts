import pg from "pg";
import { expect, test } from "vitest";
import { embeddedPostgres } from "../../testing/postgres.ts";
import { openStore } from "./store.ts";

const server = embeddedPostgres();

async function asks(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows[0];
  } finally {
    await client.end();
  }
}

test("a service's database is made once, by however many ask at once, and keeps what is in it", async () => {
  const store = await openStore({ url: server().url, workspace: "w" });
  const wanted = { environment: "production", name: "postgres" };
  const urls = await Promise.all(Array.from({ length: 4 }, () => store.provisionDatabase(wanted)));
  expect(new Set(urls).size).toBe(1);
  await asks(urls[0]!, "create table users as select 'Ana' as name");
  expect(await asks(await store.provisionDatabase(wanted), "select name from users")).toEqual({ name: "Ana" });
  await store.close();
});

test("a service can open neither the journal nor another environment's database", async () => {
  const store = await openStore({ url: server().url, workspace: "w" });
  const staging = await store.provisionDatabase({ environment: "staging", name: "postgres" });
  const development = new URL(await store.provisionDatabase({ environment: "Development", name: "postgres" }));
  const foreign = new URL(staging);
  foreign.pathname = development.pathname;
  await expect(asks(foreign.href, "select 1")).rejects.toThrow(/permission denied for database/);
  foreign.pathname = "/sluice";
  await expect(asks(foreign.href, "select 1")).rejects.toThrow(/permission denied for database/);
  await expect(asks(staging, "create role other")).rejects.toThrow(/permission denied/);
  await store.close();
});

test("names that look alike when they are joined are still two databases", async () => {
  const store = await openStore({ url: server().url, workspace: "w" });
  const one = await store.provisionDatabase({ environment: "a_b", name: "c" });
  expect(await store.provisionDatabase({ environment: "a", name: "b_c" })).not.toBe(one);
  await store.close();
});
