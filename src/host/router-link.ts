// The routers as the supervisor knows them: the one that accepts and, during an upgrade, those that leave and still have
// requests in flight. A table is in force, and nothing is in flight, only when all of them say so.
import { lstatSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Temporary } from "../domain/problem.ts";
import { ask, NobodyListens } from "./socket-request.ts";
import type { RouterSeen, RouterTable } from "./table.ts";

const timeoutMs = 2_000;

export interface RouterLink {
  /** Throws Temporary unless every router has it in force. */
  put(table: RouterTable): Promise<void>;
  seen(): Promise<RouterSeen>;
  /** On all routers together. */
  inFlight(replica: { service: string; revision: string; id: string }): Promise<number>;
  text(path: string): Promise<string>;
}

/** Every call throws Temporary while the router is away: it is being restarted. */
export function routerLink(socket: string): RouterLink {
  const call = async (to: string, method: "GET" | "PUT", path: string, body?: unknown): Promise<string> => {
    const answer = await ask({ socket: to, method, path, timeoutMs, ...(body === undefined ? {} : { body }) });
    if (answer.status !== 200)
      throw new Temporary(`router: ${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.text;
  };
  const seenBy = async (to: string): Promise<RouterSeen> => JSON.parse(await call(to, "GET", "/table"));
  const link: RouterLink = {
    put: async (table) => {
      const put = async (to: string) => {
        const seen: RouterSeen = JSON.parse(await call(to, "PUT", "/table", table));
        if (seen.version < table.version)
          throw new Temporary(`the router has table ${seen.version}, not ${table.version}`);
      };
      const others = leaving(socket).map((one) => unlessEnded(one, put(one)));
      await Promise.all([put(socket), ...others]);
    },
    seen: () => seenBy(socket),
    inFlight: async (replica) => {
      const others = leaving(socket).map((one) => unlessEnded(one, seenBy(one)));
      const all = await Promise.all([seenBy(socket), ...others]);
      return all.reduce((sum, seen) => sum + (seen ? inFlightOf(seen, replica) : 0), 0);
    },
    text: (path) => call(socket, "GET", path),
  };
  return link;
}

/** The sockets of predecessors, each under its own name; `socket` leads to the present one. */
function leaving(socket: string): readonly string[] {
  if (lstatSync(socket, { throwIfNoEntry: false }) === undefined) return [];
  const present = readlinkSync(socket);
  const isAnother = (name: string) =>
    /\.sock\.\d+$/.test(name) && name.startsWith(basename(socket)) && name !== present;
  return readdirSync(dirname(socket))
    .filter(isAnother)
    .map((name) => join(dirname(socket), name));
}

/** One that was killed leaves its socket behind. */
function unlessEnded<T>(socket: string, answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (!(error instanceof NobodyListens)) throw error;
    rmSync(socket, { force: true });
    return undefined;
  });
}

function inFlightOf(seen: RouterSeen, replica: { service: string; revision: string; id: string }): number {
  return seen.services[replica.service]?.revisions[replica.revision]?.replicas[replica.id]?.inFlight ?? 0;
}
