// Answers that the router makes itself. Each error says in `x-sluice-error` why, so that nobody takes it for the service's.

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export interface OwnAnswer {
  readonly status: number;
  /** Why, in words fit for a header: "nothing-ready". */
  readonly error: string;
  readonly page?: string | undefined;
  readonly retryAfterSeconds?: number;
}

export function ownAnswer(o: OwnAnswer & { close: boolean; withoutBody: boolean }): string {
  const isPage = o.page !== undefined;
  const body = o.page ?? `${o.status} ${reasons[o.status] ?? "Error"}: ${o.error}\n`;
  return [
    `HTTP/1.1 ${o.status} ${reasons[o.status] ?? "Error"}`,
    `Content-Type: ${isPage ? "text/html" : "text/plain"}; charset=utf-8`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    `x-sluice-error: ${o.error}`,
    ...(o.retryAfterSeconds === undefined ? [] : [`Retry-After: ${o.retryAfterSeconds}`]),
    ...(o.close ? ["Connection: close"] : []),
    "",
    o.withoutBody ? "" : body,
  ].join("\r\n");
}
