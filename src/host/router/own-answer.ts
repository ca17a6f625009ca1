// Answers that the router makes itself. Each error says in `x-sluice-error` why, so that nobody takes it for the service's.

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  308: "Permanent Redirect",
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

/** Where a service has none of its own. */
export const maintenancePage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Back soon</title><style>body{font:1.1rem system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem;color-scheme:light dark}</style>
<h1>Back soon</h1><p>This site is being worked on. Please try again in a few minutes.</p></html>
`;

export interface OwnAnswer {
  readonly status: number;
  /** Why, in words fit for a header: "nothing-ready". */
  readonly error: string;
  /** Whose answer it would have been. */
  readonly replica?: string | undefined;
  readonly page?: string | undefined;
  /** Instead of a sentence about the error. */
  readonly text?: string | undefined;
  readonly location?: string | undefined;
  readonly retryAfterSeconds?: number;
}

export function ownAnswer(o: OwnAnswer & { close: boolean; withoutBody: boolean }): string {
  const isPage = o.page !== undefined;
  const body = o.page ?? o.text ?? `${o.status} ${reasons[o.status] ?? "Error"}: ${o.error}\n`;
  return [
    `HTTP/1.1 ${o.status} ${reasons[o.status] ?? "Error"}`,
    `Content-Type: ${isPage ? "text/html" : "text/plain"}; charset=utf-8`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    ...(o.status < 400 ? [] : [`x-sluice-error: ${o.error}`]),
    ...(o.location === undefined ? [] : [`Location: ${o.location}`]),
    ...(o.replica === undefined ? [] : [`x-sluice-replica: ${o.replica}`]),
    ...(o.retryAfterSeconds === undefined ? [] : [`Retry-After: ${o.retryAfterSeconds}`]),
    ...(o.close ? ["Connection: close"] : []),
    "",
    o.withoutBody ? "" : body,
  ].join("\r\n");
}
