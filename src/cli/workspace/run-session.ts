// What is open while tasks run: the screen, services, the shared cache, the sandbox; and how Ctrl-C ends it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "../../domain/problem.ts";
import { openRemote, type RemoteCache } from "../../workspace/cache/remote.ts";
import type { Scope } from "../../workspace/cache/scope.ts";
import { sharingOf } from "../../workspace/cache/settings.ts";
import type { View } from "../../workspace/git/view.ts";
import { openServices, type Services } from "../../workspace/services/services.ts";
import { runningCount, stopAll } from "../../workspace/tasks/process.ts";
import type { RunOptions } from "../../workspace/tasks/run-state.ts";
import type { RunVerbOptions } from "../verbs/run.ts";
import { openRunScreen, type RunScreen } from "./run-screen.ts";

/** What stays open between the rounds of a watched run. */
export type Session = Readonly<{
  screen: RunScreen;
  services: Services;
  remote: RemoteCache | undefined;
  scope: Scope;
  sandbox: RunOptions["sandbox"];
  isStopped: () => boolean;
  /** When the run began. */
  beganMs: number;
}>;

export async function openSession(view: View, options: RunVerbOptions): Promise<Session> {
  const screen = openRunScreen(process.stdout, { isQuiet: options.quiet === true || options.json === true });
  const { missing, file } = view.installed;
  if (file === undefined) screen.warn("no lock file: keys hold the ranges of dependencies only");
  if (missing.length > 0) screen.warn(`${file} is out of date: it lacks ${missing.slice(0, 3).join(", ")}`);
  const { shape, root } = view.workspace;
  const services = openServices(shape.pipeline?.services ?? {}, root, {
    postgres: async () => (await import("../../compose/task-postgres.ts")).startTaskPostgres(),
  });
  const sharing = await sharingOf(shape.pipeline?.cache, process.env);
  const { isStopped, stopping } = onInterrupt();
  const remote = sharing.remote && openRemote({ ...sharing.remote, stopping, warn: screen.warn });
  const sandbox = await openSandbox(view, options, screen);
  return {
    screen,
    services,
    remote,
    scope: sharing.scope,
    sandbox,
    isStopped,
    beganMs: Date.now(),
  };
}

/** Whoever asked for strict on the command line relies on it; what the configuration asks for is done where it can be. */
async function openSandbox(
  { workspace }: View,
  options: RunVerbOptions,
  screen: RunScreen,
): Promise<Session["sandbox"]> {
  const mode = options.sandbox ?? workspace.shape.pipeline?.sandbox;
  if (mode === undefined) return undefined;
  const { whyUntraceable } = await import("../../workspace/sandbox/strace.ts");
  const trouble = await whyUntraceable();
  if (trouble === undefined)
    return { folder: await mkdtemp(join(tmpdir(), "sluice-sandbox-")), isStrict: mode === "strict" };
  if (options.sandbox === "strict")
    throw new Problem(`--sandbox=strict cannot watch tasks: ${trouble}`, "Run it where it can, or without --sandbox");
  screen.warn(`reads and writes are not watched: ${trouble}`);
  return undefined;
}

export async function closeSession({ services, remote, sandbox, screen }: Session): Promise<void> {
  screen.close();
  if (sandbox) await rm(sandbox.folder, { recursive: true, force: true });
  await services.stop();
  await remote?.flush(30_000);
}

/** The first Ctrl-C asks tasks to end, the second or ten seconds make them. */
function onInterrupt(): Readonly<{ isStopped: () => boolean; stopping: AbortSignal }> {
  const stopping = new AbortController();
  const isStopped = () => stopping.signal.aborted;
  const stop = () => {
    stopAll(isStopped() ? "SIGKILL" : "SIGTERM");
    stopping.abort();
    void killLate();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  return { isStopped, stopping: stopping.signal };
}

async function killLate(): Promise<void> {
  for (let i = 0; i < 100 && runningCount() > 0; i++) await wait(100, undefined, { ref: false });
  stopAll("SIGKILL");
}
