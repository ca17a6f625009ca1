// The server on its socket: loopback only, unless told otherwise.
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { Problem } from "../domain/problem.ts";

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export function listen(app: Hono, { port, host = "127.0.0.1" }: { port: number; host?: string }): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch });
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
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
  });
}
