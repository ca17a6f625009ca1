// The router as the supervisor knows it: put a table, read back what is in force.
import { Temporary } from "../domain/problem.ts";
import { ask } from "./socket-request.ts";
import type { RouterSeen, RouterTable } from "./table.ts";

const timeoutMs = 2_000;

export interface RouterLink {
  put(table: RouterTable): Promise<RouterSeen>;
  seen(): Promise<RouterSeen>;
  text(path: string): Promise<string>;
}

/** Every call throws Temporary while the router is away: it is being restarted. */
export function routerLink(socket: string): RouterLink {
  const call = async (method: "GET" | "PUT", path: string, body?: unknown): Promise<string> => {
    const answer = await ask({ socket, method, path, timeoutMs, ...(body === undefined ? {} : { body }) });
    if (answer.status !== 200)
      throw new Temporary(`router: ${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.text;
  };
  return {
    put: async (table) => JSON.parse(await call("PUT", "/table", table)),
    seen: async () => JSON.parse(await call("GET", "/table")),
    text: (path) => call("GET", path),
  };
}

export function inFlightOf(seen: RouterSeen, replica: { service: string; revision: string; id: string }): number {
  return seen.services[replica.service]?.revisions[replica.revision]?.replicas[replica.id]?.inFlight ?? 0;
}
