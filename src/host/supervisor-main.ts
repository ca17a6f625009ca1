// The supervisor process: `supervisor.js DATA_FOLDER [--entry-address ADDRESS] [--interval-ms MS]`. Holds the lock, the listening sockets and the replicas; keeps the
// router alive, which keeps it alive. When it is killed, nothing that serves notices.
import { closeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Problem } from "../domain/problem.ts";
import { findCgroups } from "./cgroup.ts";
import { openControl } from "./control.ts";
import { closeForeignDescriptors } from "./descriptors.ts";
import { Fleet } from "./fleet.ts";
import { Host } from "./host.ts";
import { hostMetrics } from "./host-metrics.ts";
import { limiter } from "./limiter.ts";
import { type BoundListener, bindListener } from "./listeners.ts";
import { releaseLock, takeLock } from "./lock.ts";
import { rotate, rotationLimits, tendLogs } from "./log-rotation.ts";
import { hostPaths, makeHostFolders } from "./paths.ts";
import { Reconciler } from "./reconcile.ts";
import { routerLink } from "./router-link.ts";
import { keepTwin, type ListenerId, type Twin, twinSettings } from "./twin.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { "entry-address": { type: "string", default: "127.0.0.1" }, "interval-ms": { type: "string" } },
});

process.umask(0o077);
try {
  await supervise();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  log(`${error.message}. ${error.mend}.`);
  process.exit(1);
}

async function supervise(): Promise<void> {
  const startedAt = Date.now();
  const paths = hostPaths(positionals[0] ?? ".sluice");
  const inherited = twinSettings();
  closeForeignDescriptors(Object.values(inherited?.listeners ?? {}));
  makeHostFolders(paths);
  takeLock(paths.lock);
  const router = routerLink(paths.routerSocket);
  const limits = limiter(findCgroups());
  const fleet = new Fleet({ paths, limiter: limits, log, onChange: () => reconciler.reconsider() });
  const counted = values["interval-ms"] === undefined ? {} : { intervalMs: Number(values["interval-ms"]) };
  const reconciler = new Reconciler({ fleet, router, tableFile: paths.table, ...counted, log, forget });
  const listeners = openKept(fleet.state.ports, inherited?.listeners ?? {});
  const script = resolve(process.argv[1] ?? "");
  const twin: Twin = keepTwin({
    other: "router",
    settings: () => ({
      dataFolder: paths.dataFolder,
      commands: { supervisor: [script, ...process.argv.slice(2)], router: [join(dirname(script), "router.js")] },
      routerSocket: paths.routerSocket,
      tableFile: paths.table,
      logFile: paths.log,
      listeners: Object.fromEntries([...listeners].map(([id, { fd }]) => [id, fd])),
    }),
    onRestart: (because) => {
      log(`the router ended (${because}) and is started again`);
      reconciler.routerRestarted();
    },
  });
  const rememberRouter = () => {
    const pid = twin.pid();
    if (pid !== undefined) fleet.state.routerPid = pid;
  };
  rememberRouter();
  const host = new Host({ fleet, router, reconsider: () => reconciler.reconsider(), listen });
  const adopted = fleet.adopt();
  setInterval(() => {
    const held = new Set(fleet.all().map(({ record }) => record.logFile));
    tendLogs(paths.logs, { held, limits: rotationLimits, nowMs: Date.now() });
    rotate(paths.log, rotationLimits);
  }, 60_000);
  reconciler.reconsider();
  await openControl(paths.controlSocket, {
    host,
    router,
    jobs: paths.jobs,
    health: async () => ({
      pid: process.pid,
      startedAt,
      version: process.env.npm_package_version ?? "",
      ...(fleet.state.journal === undefined ? {} : { journal: fleet.state.journal }),
      router: {
        pid: twin.pid(),
        answers: await router.seen().then(
          () => true,
          () => false,
        ),
      },
      services: host.services(),
      adopted,
    }),
    metrics: () => hostMetrics(fleet),
    logFiles: ({ service, replica }) =>
      fleet
        .all()
        .filter(
          ({ record }) =>
            (service === undefined || record.service === service) && (replica === undefined || record.id === replica),
        )
        .map(({ record }) => ({ id: record.id, file: record.logFile })),
    stop: (options) => void stop(options),
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop({ keepReplicas: true }));
  log(
    `pid ${process.pid} on ${paths.dataFolder}: adopted ${adopted} of ${fleet.state.replicas.length} replicas, memory kept by ${limits.by}`,
  );

  function listen(id: ListenerId, port: number): number {
    const open = listeners.get(id);
    if (open !== undefined && (port === 0 || open.port === port)) return open.port;
    const bound = bind(id, port);
    if (open !== undefined) forget(id);
    listeners.set(id, bound);
    if (bound.handle !== undefined) twin.send({ kind: "listener", id }, bound.handle);
    return bound.port;
  }

  function forget(id: ListenerId): void {
    listeners.get(id)?.close();
    listeners.delete(id);
    twin.send({ kind: "forget", id });
  }

  async function stop({ keepReplicas }: { keepReplicas: boolean }): Promise<void> {
    log(keepReplicas ? "stopping; replicas go on" : "stopping with all replicas");
    if (!keepReplicas) await reconciler.stopAll();
    reconciler.stop();
    fleet.letGo();
    fleet.save();
    twin.letGo();
    twin.send({ kind: "stop", drainTimeoutMs: 1_000 });
    releaseLock(paths.lock);
    setTimeout(() => process.exit(0), 50);
  }
}

/** Ports are promised for good: replicas that run were told them. */
function openKept(
  ports: Readonly<Record<ListenerId, number>>,
  inherited: Readonly<Record<ListenerId, number>>,
): Map<ListenerId, BoundListener> {
  return new Map(
    Object.entries(ports).map(([id, port]) => {
      const fd = inherited[id];
      return [id, fd === undefined ? bind(id, port) : { fd, port, close: () => closeSync(fd) }];
    }),
  );
}

function bind(id: ListenerId, port: number): BoundListener {
  const host = id.startsWith("entry:") ? values["entry-address"] : "127.0.0.1";
  return bindListener({
    host,
    port,
    usedFor: id.replace("entry:", "the public port of ").replace("service:", "service "),
  });
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} supervisor: ${line}`);
}
