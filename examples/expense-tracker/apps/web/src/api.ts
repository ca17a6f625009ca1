// The gateway's API, each answer parsed against the contract that it shares with the services.
import { Account, Session, type SignIn, type SignUp } from "@tally/contracts/accounts";
import { Expense, type ExpenseDraft, ExpenseList, Summary } from "@tally/contracts/expenses";
import { ProblemAnswer } from "@tally/contracts/problems";
import * as z from "zod/mini";

/** What went wrong, as a person may read it, with a message for each field that is wrong. */
export class ApiError extends Error {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;

  constructor(status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

export type Api = ReturnType<typeof createApi>;

export function createApi(url: string) {
  async function call<Schema extends z.ZodMiniType>(
    schema: Schema,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<Schema>> {
    const sent =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const answer = await fetch(`${url}${path}`, { method, ...sent }).catch(() => {
      throw new ApiError(0, "Tally cannot be reached. Check your connection and try again.");
    });
    if (!answer.ok) throw await errorOf(answer);
    return z.parse(schema, answer.status === 204 ? undefined : await answer.json());
  }

  return {
    me: () => call(Account, "GET", "/accounts/me"),
    signUp: async (wanted: SignUp) => (await call(Session, "POST", "/accounts", wanted)).account,
    signIn: async (who: SignIn) => (await call(Session, "POST", "/sessions", who)).account,
    signOut: () => call(z.undefined(), "DELETE", "/sessions"),
    expenses: async (month: string) => (await call(ExpenseList, "GET", `/expenses?month=${month}`)).expenses,
    summary: async (until: string) => (await call(Summary, "GET", `/expenses/summary?until=${until}`)).months,
    record: (id: string, draft: ExpenseDraft) => call(Expense, "PUT", `/expenses/${id}`, draft),
    remove: (id: string) => call(z.undefined(), "DELETE", `/expenses/${id}`),
  };
}

async function errorOf(answer: Response): Promise<ApiError> {
  const parsed = z.safeParse(ProblemAnswer, await answer.json().catch(() => undefined));
  if (!parsed.success) return new ApiError(answer.status, "Something went wrong on our side. Try again in a moment.");
  return new ApiError(answer.status, parsed.data.error.message, parsed.data.error.fields);
}
