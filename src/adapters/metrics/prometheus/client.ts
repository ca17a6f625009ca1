// Asks one Prometheus. Over https with a CA and a certificate of one's own where they are given; bounded in time and bytes.
import { request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import type { Ms } from "../../../domain/frame.ts";
import { Temporary } from "../../../domain/problem.ts";
import type { Answer } from "./answer.ts";

export interface Place {
  /** Address below which /api/v1/query is. */
  readonly url: string;
  readonly token?: string;
  /** PEM. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface Told extends Answer {
  /** How far its clock is ahead of ours, to the second; 0 when it does not say. */
  readonly aheadMs: Ms;
}

const answerWithinMs: Ms = 10_000;
const answerMaxBytes = 64 * 2 ** 20;

export function ask(place: Place, query: string, nowMs: () => Ms): Promise<Told> {
  const url = new URL(`${place.url.replace(/\/$/, "")}/api/v1/query`);
  const body = new URLSearchParams({ query, timeout: `${answerWithinMs / 1000}s` }).toString();
  const { token, ca, certificate: cert, key } = place;
  const given = Object.fromEntries(Object.entries({ ca, cert, key }).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const fail = (because: string) => reject(new Temporary(`${place.url} ${because}`));
    const send = url.protocol === "https:" ? secureRequest : plainRequest;
    const asked = send(
      url,
      {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.timeout(answerWithinMs + 1_000),
        ...given,
      },
      (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          parts.push(part);
          bytes += part.length;
          if (bytes > answerMaxBytes) asked.destroy(new Error(`answered more than ${answerMaxBytes / 2 ** 20} MiB`));
        });
        response.on("end", () => {
          const date = Date.parse(response.headers.date ?? "");
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(parts).toString(),
            // The header has whole seconds: what it says is half a second old on average.
            aheadMs: Number.isNaN(date) ? 0 : date + 500 - nowMs(),
          });
        });
        response.on("error", (error) => fail(`broke off: ${error.message}`));
      },
    );
    asked.on("error", (error) => fail(whyNot(error)));
    asked.end(body);
  });
}

function whyNot(error: Error & { code?: string }): string {
  if (error.name === "TimeoutError" || error.name === "AbortError")
    return `did not answer within ${answerWithinMs / 1000} s`;
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "cannot be reached: nothing listens there",
    ENOTFOUND: "cannot be reached: no such host",
    ECONNRESET: "hung up",
  };
  return words[error.code ?? ""] ?? `cannot be reached: ${error.message}`;
}
