// The API as its callers see it: gateway, services and PostgreSQL together.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, expect, test } from "vitest";
import { startTally } from "./tally.ts";

const tally = await startTally();
afterAll(() => tally?.stop());
const it = test.skipIf(!tally);

async function call(method: string, path: string, options: { token?: string; body?: unknown } = {}) {
  const headers = {
    "content-type": "application/json",
    ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
  };
  const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
  const answer = await fetch(`${tally?.url}${path}`, { method, headers, ...body });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text) };
}

async function signUp(email = `${randomUUID()}@example.com`) {
  return call("POST", "/api/accounts", { body: { name: "Ada", email, password: "correct horse" } });
}

const expense = { amountCents: 1250, category: "fun", note: "cinema", spentOn: "2026-03-31" };

it("the smoke test passes", async () => {
  const smoke = spawn(process.execPath, ["test/smoke.mjs"], { env: { ...process.env, BASE_URL: tally?.url } });
  expect((await once(smoke, "exit"))[0]).toBe(0);
});

it("an address has one account, and signs in with its password only", async () => {
  const email = `${randomUUID()}@example.com`;
  const first = await signUp(email);
  expect(first.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict/);
  expect((await signUp(email.toUpperCase())).status).toBe(409);
  const wrong = await call("POST", "/api/sessions", { body: { email, password: "wrong" } });
  expect(wrong.status).toBe(401);
});

it("recording twice what was sent twice is harmless, and recording again changes it", async () => {
  const { token } = (await signUp()).body;
  const path = `/api/expenses/${randomUUID()}`;
  for (const amountCents of [1250, 1250, 999]) await call("PUT", path, { token, body: { ...expense, amountCents } });
  const { expenses } = (await call("GET", "/api/expenses?month=2026-03", { token })).body;
  expect(expenses.map(({ amountCents }: { amountCents: number }) => amountCents)).toEqual([999]);
});

it("nobody reads, changes or deletes another's expense", async () => {
  const [ada, eve] = [(await signUp()).body.token, (await signUp()).body.token];
  const path = `/api/expenses/${randomUUID()}`;
  await call("PUT", path, { token: ada, body: expense });
  expect((await call("PUT", path, { token: eve, body: { ...expense, amountCents: 1 } })).status).toBe(409);
  await call("DELETE", path, { token: eve });
  expect((await call("GET", "/api/expenses?month=2026-03", { token: eve })).body.expenses).toEqual([]);
  expect((await call("GET", "/api/expenses?month=2026-03", { token: ada })).body.expenses).toMatchObject([expense]);
});

it("a summary has every month, with nought where nothing was spent", async () => {
  const { token } = (await signUp()).body;
  await call("PUT", `/api/expenses/${randomUUID()}`, { token, body: expense });
  const { months } = (await call("GET", "/api/expenses/summary?until=2026-04&months=3", { token })).body;
  expect(months).toEqual([
    { month: "2026-02", totalCents: 0, byCategory: {} },
    { month: "2026-03", totalCents: 1250, byCategory: { fun: 1250 } },
    { month: "2026-04", totalCents: 0, byCategory: {} },
  ]);
});

it("wrong fields come back with a message each, and without a session nothing does", async () => {
  const { token } = (await signUp()).body;
  const wrong = await call("PUT", `/api/expenses/${randomUUID()}`, { token, body: { ...expense, amountCents: -1 } });
  expect(wrong).toMatchObject({
    status: 422,
    body: { error: { fields: { amountCents: "Give an amount above zero" } } },
  });
  expect((await call("GET", "/api/expenses?month=2026-03")).status).toBe(401);
});

it("the gateway's health names the services behind it", async () => {
  const { body } = await call("GET", "/health");
  expect(Object.keys(body.checks)).toEqual(["application", "user-service", "expense-service"]);
});
