// Which requests a rule of a service means: by preview host, header, cookie or query parameter.
import type { Route } from "../../domain/frame.ts";
import { fieldValue } from "./field-places.ts";
import type { RequestHead } from "./head.ts";

/** At once after readRequest, whose buffer is `b`. */
export function matches({ match }: Route, head: RequestHead, b: Buffer): boolean {
  if ("host" in match) return hostname(head.host) === match.host.toLowerCase();
  if ("header" in match) return fieldValue(b, match.header.toLowerCase()) === match.value;
  if ("cookie" in match) return cookieValue(head.cookie, match.cookie) === match.value;
  return queryValues(head).getAll(match.query).includes(match.value);
}

export function hostname(host: string): string {
  const colon = host.endsWith("]") ? -1 : host.lastIndexOf(":");
  const name = (colon === -1 ? host : host.slice(0, colon)).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

export function cookieValue(cookies: string, name: string): string | undefined {
  for (const part of cookies.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}

/** Decoded as browsers encode them. */
function queryValues({ target, path }: RequestHead): URLSearchParams {
  return new URLSearchParams(target.slice(path.length));
}
