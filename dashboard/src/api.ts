// Questions to the server, and verbs. The session is a cookie: the page holds no token.
import type { VerbName } from "./view/verb.ts";

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export interface Refusal {
  /** 0 when the server did not answer at all. */
  readonly status: number;
  readonly so: string;
  readonly mend: string;
}

export async function ask<T>(path: string): Promise<Answer<T>> {
  return answer(fetch(`/api/v1${path}`, { headers: { accept: "application/json" } }));
}

export async function command(deployment: string, verb: VerbName, body: object): Promise<Answer<unknown>> {
  return answer(
    fetch(`/api/v1/deployments/${encodeURIComponent(deployment)}/${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

async function answer<T>(asked: Promise<Response>): Promise<Answer<T>> {
  try {
    const response = await asked;
    const body = await response.json().catch(() => undefined);
    return response.ok ? { ok: true, value: body } : { ok: false, refusal: refusalOf(response.status, body) };
  } catch {
    const mend = "See whether it runs: sluice status";
    return { ok: false, refusal: { status: 0, so: "The control plane does not answer", mend } };
  }
}

function refusalOf(status: number, body: unknown): Refusal {
  const said = typeof body === "object" && body !== null ? body : {};
  const nested = "error" in said && typeof said.error === "object" && said.error !== null ? said.error : said;
  const text = (key: string, otherwise: string): string => {
    const value = Object.entries(nested).find(([name]) => name === key)?.[1];
    return typeof value === "string" ? value : otherwise;
  };
  return { status, so: text("so", text("message", `The control plane answered ${status}`)), mend: text("mend", "") };
}
