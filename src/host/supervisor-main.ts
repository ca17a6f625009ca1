// The supervisor process: `supervisor.js DATA_FOLDER [--entry-address ADDRESS] [--interval-ms MS] [--user NAME]`. Holds the lock, the
// listening sockets and the replicas; keeps the router alive, which keeps it alive. When it is killed, nothing that serves
// notices.
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Problem } from "../domain/problem.ts";
import { openControl } from "./control.ts";
import { Fleet } from "./fleet.ts";
import { Host } from "./host.ts";
import { hostMetrics } from "./host-metrics.ts";
import { seeJob, startJob, tendJobs } from "./jobs.ts";
import { dismissKeeper, keepKeeper, livingKeeper, makeAlive } from "./keeper.ts";
import { holdListeners } from "./listeners.ts";
import { releaseLock, takeLock } from "./lock.ts";
import { hostPaths, makeHostFolders } from "./paths.ts";
import { plainPort, promisedPorts } from "./plain-port.ts";
import { versionOf } from "./program-version.ts";
import { Reconciler } from "./reconcile.ts";
import { findCgroups } from "./replica/cgroup.ts";
import { closeForeignDescriptors } from "./replica/descriptors.ts";
import { limiter } from "./replica/limiter.ts";
import { rotate, rotationLimits, tendLogs } from "./replica/log-rotation.ts";
import { letThrough } from "./replica/other-user.ts";
import { routerLink } from "./router-link.ts";
import { Schedules } from "./schedule/schedules.ts";
import { keepTwin, type Twin, type TwinSettings, twinSettings } from "./twin.ts";
import { versionThatStarts } from "./upgrade.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    "entry-address": { type: "string", default: "127.0.0.1" },
    "interval-ms": { type: "string" },
    user: { type: "string" },
    version: { type: "boolean", default: false },
  },
});
const routerDrainMs = 30_000;
const tendEveryMs = 10_000;
const scheduleEveryMs = 1_000;

process.umask(0o077);
try {
  if (values.version) console.log(versionOf(dirname(resolve(process.argv[1] ?? ""))));
  else await supervise();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  log(`${error.message}. ${error.mend}.`);
  process.exit(1);
}

async function supervise(): Promise<void> {
  const startedAt = Date.now();
  const paths = hostPaths(positionals[0] ?? ".sluice");
  let programs = dirname(resolve(process.argv[1] ?? ""));
  const inherited = twinSettings()?.listeners ?? {};
  closeForeignDescriptors(Object.values(inherited));
  makeHostFolders(paths);
  takeLock(paths.lock);
  letThrough(paths.dataFolder);
  makeAlive(paths.alive);
  if (twinSettings() === undefined) await dismissKeeper(paths.keeper);

  const router = routerLink(paths.routerSocket);
  const limits = limiter(findCgroups());
  const fleet = new Fleet({ paths, limiter: limits, user: values.user, log, onChange: () => reconciler.reconsider() });
  const listeners = holdListeners({
    kept: promisedPorts(fleet.state.ports, inherited),
    inherited,
    addressOf: (id) => (id.startsWith("service:") ? "127.0.0.1" : values["entry-address"]),
    tell: (message, handle) => twin.send(message, handle),
    onChange: () => keeper.renew(),
  });
  const plain = plainPort({ ports: fleet.state.ports, listeners, log });
  const counted = values["interval-ms"] === undefined ? {} : { intervalMs: Number(values["interval-ms"]) };
  const reconciler = new Reconciler({
    fleet,
    router,
    tableFile: paths.table,
    challenges: paths.challenges,
    logs: paths.logs,
    ...counted,
    log,
    forget: listeners.forget,
  });
  const settings = (): TwinSettings => ({
    dataFolder: paths.dataFolder,
    commands: {
      supervisor: [join(programs, "supervisor.js"), ...process.argv.slice(2)],
      router: [join(programs, "router.js")],
    },
    routerSocket: paths.routerSocket,
    tableFile: paths.table,
    logFile: paths.log,
    listeners: listeners.descriptors(),
  });
  const keeper = keepKeeper({ paths, settings, log });
  const twin: Twin = keepTwin({
    other: "router",
    settings,
    onStart: (pid) => {
      fleet.state.routerPid = pid;
    },
    onRestart: (because) => {
      log(`the router ended (${because}) and is started again`);
      reconciler.routerRestarted();
    },
  });
  const host = new Host({ fleet, router, reconsider: () => reconciler.reconsider(), listen: listeners.open, log });
  plain.reopen();
  keeper.renew();
  const adopted = fleet.adopt();
  reconciler.reconsider();

  const answers = () =>
    router.seen().then(
      () => true,
      () => false,
    );
  const schedules = new Schedules({
    folder: paths.folder,
    start: (spec) => startJob(paths.jobs, { ...(values.user === undefined ? {} : { user: values.user }), ...spec }),
    see: (key) => seeJob(paths.jobs, key),
    log,
  });
  await openControl(paths.controlSocket, {
    user: values.user,
    schedules,
    host,
    router,
    jobs: paths.jobs,
    health: async () => ({
      pid: process.pid,
      startedAt,
      version: versionOf(programs),
      programs,
      ...(fleet.state.journal === undefined ? {} : { journal: fleet.state.journal }),
      router: { pid: twin.pid(), answers: await answers() },
      keeper: livingKeeper(paths.keeper)?.pid,
      services: host.services(),
      adopted,
    }),
    metrics: () => hostMetrics(fleet),
    logFiles: (wanted) => fleet.logFiles(wanted),
    plainPort: (port) => {
      plain.set(port);
      fleet.save();
      reconciler.reconsider();
    },
    upgrade,
    stop: (options) => void stop(options),
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop({ keepReplicas: true }));
  setInterval(tend, tendEveryMs);
  setInterval(() => schedules.tick(Date.now()), scheduleEveryMs);
  log(`pid ${process.pid}: adopted ${adopted} of ${fleet.state.replicas.length} replicas, memory kept by ${limits.by}`);

  function tend(): void {
    const held = new Set(fleet.all().map(({ record }) => record.logFile));
    tendLogs(paths.logs, { held, limits: rotationLimits, nowMs: Date.now() });
    rotate(paths.log, rotationLimits, Date.now());
    tendJobs(paths.jobs, Date.now());
  }

  /** The new router first, on the same descriptors; then we end, and it starts the new supervisor, which adopts all. */
  async function upgrade(next: string): Promise<void> {
    const version = versionThatStarts(next);
    const before = programs;
    programs = next;
    log(`upgrading to ${version} in ${next}`);
    await twin.succeed(routerDrainMs).catch((error: Error) => {
      programs = before;
      throw new Problem(`the host stays as it is: ${error.message}`, `See ${paths.log}`);
    });
    setTimeout(() => {
      log("making room for the new supervisor");
      end();
    }, 20); // the answer goes out first
  }

  async function stop({ keepReplicas }: { keepReplicas: boolean }): Promise<void> {
    log(keepReplicas ? "stopping; replicas go on" : "stopping with all replicas");
    if (!keepReplicas) await reconciler.stopAll();
    keeper.end();
    twin.letGo();
    twin.send({ kind: "stop", drainTimeoutMs: 1_000 });
    setTimeout(end, 50);
  }

  function end(): void {
    reconciler.stop();
    fleet.letGo();
    reconciler.remember();
    releaseLock(paths.lock);
    process.exit(0);
  }
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} supervisor: ${line}`);
}
