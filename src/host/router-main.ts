// The router process. Started by the supervisor, or by the tests' and bench's own twin, with the contract of twin.ts:
// SLUICE_TWIN names the control socket to open (0600), the table file (read at start, so that a restarted router serves at
// once) and the inherited listening descriptors; further listeners come over IPC while the supervisor lives.
// When the channel closes the supervisor is dead: traffic goes on, and the twin starts it again with the descriptors.
// SIGTERM, or { kind: "stop" }: stop accepting, finish what is in flight, exit 0. For an upgrade the successor is started
// with the same descriptors first; from then on the control socket is the successor's.
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { holdAlive } from "./keeper.ts";
import { hostPaths } from "./paths.ts";
import { openControl } from "./router/control.ts";
import { Router } from "./router/router.ts";
import { keepTwin, type ListenerId, type TwinMessage, twinSettings } from "./twin.ts";

const stopMs = 30_000;

const given = twinSettings();
if (!given) {
  console.error("the router is started by sluice host; there is nothing to do without its settings (SLUICE_TWIN)");
  process.exit(2);
}
const settings = given;
const router = new Router();
const descriptors = new Map<ListenerId, number>();
let isStopping = false;

holdAlive(hostPaths(settings.dataFolder).alive);
takeTable();
for (const [id, fd] of Object.entries(settings.listeners)) listen(id, { fd });
const control = await openControl(settings.routerSocket, router);
takeTable(); // one that was written before it could be sent to us
const twin = keepTwin({
  other: "supervisor",
  settings: () => ({ ...settings, listeners: Object.fromEntries(descriptors) }),
  onMessage: take,
  onRestart: (because) => console.error(`${new Date().toISOString()} the supervisor is started again: ${because}`),
});
twin.send({ kind: "ready" });
process.on("SIGTERM", () => void stop(stopMs));

/** The supervisor writes a table before it sends it to the routers that it finds. */
function takeTable(): void {
  if (!existsSync(settings.tableFile)) return;
  const table: { version: number } = JSON.parse(readFileSync(settings.tableFile, "utf8"));
  if (table.version > router.routing.version) router.put(table);
}

function listen(id: ListenerId, from: { readonly fd: number }): void {
  if (descriptors.has(id)) return;
  const server: Server = createServer({ pauseOnConnect: true });
  server.on("error", (error) => {
    console.error(`${new Date().toISOString()} listener ${id}: ${error.message}`);
    forget(id);
  });
  router.serve(id, server);
  descriptors.set(id, from.fd);
  server.listen(from);
}

function forget(id: ListenerId): void {
  router.unserve(id);
  descriptors.delete(id);
}

function take(message: TwinMessage, handle: unknown): void {
  if (message.kind === "listener" && isHandle(handle)) listen(message.id, handle);
  else if (message.kind === "forget") forget(message.id);
  else if (message.kind === "stop") void stop(message.drainTimeoutMs);
}

function isHandle(handle: unknown): handle is { readonly fd: number } {
  return typeof handle === "object" && handle !== null && "fd" in handle && typeof handle.fd === "number";
}

async function stop(withinMs: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  twin.letGo();
  await router.stop(withinMs);
  control.close();
  control.closeAllConnections();
  process.exit(0);
}
