// One HTTP request over a Unix socket: how the host's processes and its clients talk.
import { request } from "node:http";
import { Temporary } from "../domain/problem.ts";

export interface SocketRequest {
  readonly socket: string;
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
}

export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

/** Whoever opened the socket has ended. */
export class NobodyListens extends Temporary {}

/** Rejects with Temporary when nobody answers in time. */
export function ask(options: SocketRequest): Promise<SocketAnswer> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  return new Promise((answer, fail) => {
    const call = request(
      {
        socketPath: options.socket,
        method: options.method,
        path: options.path,
        agent: false,
        headers: {
          host: "localhost",
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => answer({ status: response.statusCode ?? 0, text }));
        response.on("error", (error) => fail(new Temporary(error.message)));
      },
    );
    const deadline = setTimeout(
      () => call.destroy(new Error(`no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    call.on("close", () => clearTimeout(deadline));
    call.on("error", (error: NodeJS.ErrnoException) => {
      const Reason = error.code === "ECONNREFUSED" || error.code === "ENOENT" ? NobodyListens : Temporary;
      fail(new Reason(`${options.method} ${options.path}: ${error.message}`));
    });
    call.end(body);
  });
}
