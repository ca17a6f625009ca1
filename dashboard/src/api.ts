// Questions to the server, and verbs. The session is a cookie: the page holds no token.
import type { ProblemDocument } from "../../src/server/problem-answer.ts";
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

/** The last lines that a revision's replicas printed. */
export async function lastWords(environment: string, revision: string, linesMax: number): Promise<readonly string[]> {
  const query = new URLSearchParams({ environment, revision, tail: String(linesMax) });
  const response = await fetch(`/api/v1/logs?${query}`).catch(() => undefined);
  if (response?.ok !== true) return [];
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map(printedText);
}

function printedText(line: string): string {
  try {
    const { text, line: printed } = JSON.parse(line);
    return String(text ?? printed ?? line);
  } catch {
    return line;
  }
}

export async function command(deployment: string, verb: VerbName, body: object): Promise<Answer<unknown>> {
  return post(`/deployments/${encodeURIComponent(deployment)}/${verb}`, body);
}

export async function post<T>(path: string, body: object): Promise<Answer<T>> {
  return answer(
    fetch(`/api/v1${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

/** What a build has printed, from a byte on; undefined when that is not to be had just now. */
export async function buildLog(id: string, from: number): Promise<Uint8Array | undefined> {
  const response = await fetch(`/api/v1/builds/${encodeURIComponent(id)}/log?from=${from}`).catch(() => undefined);
  return response?.ok === true ? new Uint8Array(await response.arrayBuffer()) : undefined;
}

async function answer<T>(asked: Promise<Response>): Promise<Answer<T>> {
  try {
    const response = await asked;
    const body = await response.json().catch(() => undefined);
    return response.ok ? { ok: true, value: body } : { ok: false, refusal: refusalOf(response.status, body) };
  } catch {
    const mend = "See whether it runs: sluice doctor";
    return { ok: false, refusal: { status: 0, so: "The control plane does not answer", mend } };
  }
}

function refusalOf(status: number, body: Partial<ProblemDocument> | undefined): Refusal {
  return { status, so: body?.detail ?? body?.title ?? `The control plane answered ${status}`, mend: body?.mend ?? "" };
}
