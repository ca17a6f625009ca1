// A loopback port for a replica, below the range from which the kernel takes ports for outgoing connections, so that no
// connection of this machine can take it between our look and the replica's listen.
import { createServer } from "node:net";
import { Problem } from "../../domain/problem.ts";

const firstPort = 20_000;
const ports = 10_000;

/** `taken`: ports promised to replicas that may not listen yet. */
export async function freePort(taken: ReadonlySet<number>): Promise<number> {
  const start = Math.floor(Math.random() * ports); // hosts side by side begin at different places
  for (let i = 0; i < ports; i++) {
    const port = firstPort + ((start + i) % ports);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Problem(`no port from ${firstPort} to ${firstPort + ports - 1} is free`, "Stop what listens there");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once("error", () => answer(false));
    server.listen(port, "127.0.0.1", () => server.close(() => answer(true)));
  });
}
