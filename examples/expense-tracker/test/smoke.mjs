// Smoke test of a running Tally: sign up, record an expense, read it back. BASE_URL=https://… npm run smoke
// It imports nothing, so it runs anywhere that has Node, straight from a release.
const base = process.env.BASE_URL;
const timeoutMs = 10_000;

/** @param {unknown} condition @param {string} otherwise */
function expect(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

/** @param {string} method @param {string} path @param {{ token?: string, body?: unknown, status: number }} options */
async function call(method, path, { token, body, status }) {
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const init = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
  const answer = await fetch(new URL(path, base), body === undefined ? init : { ...init, body: JSON.stringify(body) });
  const text = await answer.text();
  expect(answer.status === status, `${method} ${path} answered ${answer.status}, not ${status}: ${text.slice(0, 300)}`);
  return text === "" ? undefined : JSON.parse(text);
}

async function smoke() {
  expect(base, "Say which Tally to test: BASE_URL=http://127.0.0.1:4000 npm run smoke");
  const email = `smoke-${crypto.randomUUID()}@example.com`;
  const password = crypto.randomUUID();
  const spentOn = new Date().toISOString().slice(0, 10);
  const month = spentOn.slice(0, 7);
  const id = crypto.randomUUID();

  await call("GET", `/api/expenses?month=${month}`, { status: 401 });
  await call("POST", "/api/accounts", { body: { name: "Smoke", email, password }, status: 201 });
  const { token } = await call("POST", "/api/sessions", { body: { email, password }, status: 201 });
  const expense = { amountCents: 1234, category: "groceries", note: "smoke test", spentOn };
  await call("PUT", `/api/expenses/${id}`, { token, body: expense, status: 200 });
  const list = await call("GET", `/api/expenses?month=${month}`, { token, status: 200 });
  const [read] = list.expenses;
  expect(
    list.expenses.length === 1 && read.id === id && read.amountCents === 1234 && read.spentOn === spentOn,
    `the expense that was recorded is not what is read back: ${JSON.stringify(list)}`,
  );
  const { months } = await call("GET", `/api/expenses/summary?until=${month}&months=2`, { token, status: 200 });
  expect(months[1].totalCents === 1234, `the month's total is wrong: ${JSON.stringify(months)}`);
  await call("DELETE", `/api/expenses/${id}`, { token, status: 204 });
}

const from = performance.now();
try {
  await smoke();
  console.log(
    `smoke: passed in ${Math.round(performance.now() - from)} ms (signed up, signed in, recorded, read back)`,
  );
} catch (error) {
  const cause = error.cause ? ` (${error.cause.message || error.cause.code})` : "";
  console.error(`smoke: FAILED: ${error.message}${cause}`);
  process.exitCode = 1;
}
