// What people do in examples/expense-tracker: one request in fifty signs up, a few load the page, the rest record
// expenses and read them back with sessions already open.
import { randomUUID } from "node:crypto";
import type { Journey, Shot } from "./load.ts";

const signUpEvery = 50;
const pageEvery = 20;
const sessionsMax = 50;
const categories = ["groceries", "eating out", "home", "transport", "health", "fun", "travel", "other"];

export type ExpenseJourneyOptions = Readonly<{
  /** The month that expenses are recorded in, such as `2026-03`. */
  month: string;
  /** Where the gateway's API is on the base URL. */
  api?: string;
  /** Paths of the web app; none, where the app is not on the base URL. */
  pages?: readonly string[];
}>;

export function expenseJourney(options: ExpenseJourneyOptions): Journey {
  const { month, api = "/api", pages = ["/", "/env.json"] } = options;
  const run = randomUUID().slice(0, 8);
  const tokens: string[] = [];
  let count = 0;
  let isSigningUp = false;

  function signUp(): Shot {
    isSigningUp = true;
    const account = {
      name: `Visitor ${count}`,
      email: `${run}-${count}@example.com`,
      password: "correct horse battery",
    };
    return {
      method: "POST",
      path: `${api}/accounts`,
      body: JSON.stringify(account),
      settle: (status, body) => {
        isSigningUp = false;
        if (status === 201) tokens.push(tokenOf(body));
        if (tokens.length > sessionsMax) tokens.shift();
      },
    };
  }

  function spend(token: string): Shot {
    const headers = { authorization: `Bearer ${token}` };
    if (count % 3 === 0) return { method: "GET", path: `${api}/expenses?month=${month}`, headers };
    if (count % 7 === 0) return { method: "GET", path: `${api}/expenses/summary?until=${month}`, headers };
    const day = String((count % 28) + 1).padStart(2, "0");
    const category = categories[count % categories.length];
    const expense = { amountCents: 100 + ((count * 37) % 9_900), category, note: "", spentOn: `${month}-${day}` };
    return { method: "PUT", path: `${api}/expenses/${randomUUID()}`, headers, body: JSON.stringify(expense) };
  }

  return {
    next() {
      count += 1;
      const token = tokens[count % tokens.length];
      const isFirst = tokens.length === 0 && !isSigningUp;
      if (count % signUpEvery === 0 || isFirst) return signUp();
      const page = pages[Math.floor(count / pageEvery) % pages.length];
      if (page !== undefined && (count % pageEvery === 0 || token === undefined)) return { method: "GET", path: page };
      return token === undefined ? signUp() : spend(token);
    },
  };
}

function tokenOf(body: string): string {
  const answer: unknown = JSON.parse(body);
  if (answer !== null && typeof answer === "object" && "token" in answer) return String(answer.token);
  throw new Error(`A sign-up was answered without a token: ${body.slice(0, 100)}`);
}
