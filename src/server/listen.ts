// The server on its socket: loopback only and plain, unless told otherwise.
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Server as TlsServer } from "node:tls";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { Problem } from "../domain/problem.ts";

/** A certificate with its chain, and its key, as PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Where {
  readonly port: number;
  readonly host?: string;
  /** Speaks HTTPS with it. */
  readonly pair?: Pair;
}

export interface Listening {
  readonly port: number;
  /** For connections from now on. */
  renew(pair: Pair): void;
  close(): Promise<void>;
}

export function listen(app: Hono, { port, host = "127.0.0.1", pair }: Where): Promise<Listening> {
  const secure = pair && { createServer, serverOptions: { ...pair, minVersion: "TLSv1.2" as const } };
  const server = createAdaptorServer({ fetch: app.fetch, ...secure });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES") return reject(error);
      const so = error.code === "EADDRINUSE" ? "is taken by another program" : "may not be used by this user";
      reject(
        new Problem(`port ${port} on ${host} ${so}`, "Choose another: `sluice up --port 0` takes any that is free"),
      );
    });
    server.listen(port, host, () => {
      const { port: chosen } = server.address() as AddressInfo;
      resolve({
        port: chosen,
        renew: (next) => {
          if (server instanceof TlsServer) server.setSecureContext({ ...next, minVersion: "TLSv1.2" });
        },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
  });
}
