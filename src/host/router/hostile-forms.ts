// How the lists of hostile messages are written: a name, the bytes, and what must happen.

export interface HostileRequest {
  readonly name: string;
  readonly bytes: string;
  /** Status of the only answer, after which the connection closes; or what the replica must have been asked, and nothing else. */
  readonly must: number | { readonly ask: string; readonly body?: string };
}

export const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
export const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`;
export const line = (first: string, fields = "Host: a\r\nConnection: close\r\n"): string => `${first}\r\n${fields}\r\n`;
export const post = (fields: string, body: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n${body}`;
export const chunked = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);
export const refuse = (must: number, cases: Readonly<Record<string, string>>): readonly HostileRequest[] =>
  Object.entries(cases).map(([name, bytes]) => ({ name, bytes, must }));
export const accept = (
  ask: string,
  cases: Readonly<Record<string, string>>,
  body?: string,
): readonly HostileRequest[] =>
  Object.entries(cases).map(([name, bytes]) => ({ name, bytes, must: body === undefined ? { ask } : { ask, body } }));
