// A whole machine on a temporary folder: control plane with its own PostgreSQL, host, and one service of two replicas.
// The control plane is kept running as systemd would: whoever kills it finds it started again.
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeFolder } from "../../src/adapters/postgres/embedded/binaries.ts";
import { place } from "../../src/adapters/postgres/embedded/place.ts";
import { runningPostmaster } from "../../src/adapters/postgres/embedded/postmaster.ts";
import { stopEmbedded } from "../../src/adapters/postgres/embedded/server.ts";
import { openApi } from "../../src/cli/api-client.ts";
import { localControlPlane } from "../../src/cli/control-address.ts";
import { Unreachable } from "../../src/cli/exit.ts";
import { parseConfig } from "../../src/domain/config/config.ts";
import type { DeploymentId } from "../../src/domain/event.ts";
import { Temporary } from "../../src/domain/problem.ts";
import type { Run } from "../../src/domain/run.ts";
import type { StrategyKind } from "../../src/domain/strategy.ts";
import type { SeenService } from "../../src/host/api.ts";
import { type HostClient, hostClient } from "../../src/host/client.ts";
import { buildRelease } from "../../src/workspace/release-build.ts";

/** Supervisor, router and control plane as they are now, beside this program: see run.mjs. */
export const programs = import.meta.dirname;
const environment = "production";
const service = `${environment}/web`;
const patienceMs = 60_000;

/** Short, so that a release takes seconds; each waits for evidence somewhere. */
const strategies: Readonly<Record<StrategyKind, object>> = {
  canary: {
    kind: "canary",
    steps: [{ setWeight: 10 }, { bake: "1s" }, { setWeight: 50 }, { bake: "1s" }, { setWeight: 100 }],
  },
  blueGreen: { kind: "blueGreen", switchShares: [100], afterSwitch: [{ bake: "1s" }] },
  rolling: { kind: "rolling", batchSize: 50, pause: "500ms" },
  recreate: { kind: "recreate" },
};
export const strategyKinds = Object.keys(strategies) as StrategyKind[];

export interface Wanted {
  readonly version: string;
  readonly strategy: StrategyKind;
  /** Every fifth small answer is an error. */
  readonly isBad?: boolean;
}

export interface Stage {
  readonly dataFolder: string;
  readonly host: HostClient;
  readonly entryPort: number;
  /** Builds the release and asks it into the environment. */
  deploy(wanted: Wanted): Promise<DeploymentId>;
  rollback(): Promise<DeploymentId>;
  look(id: DeploymentId): Promise<Run>;
  /** False when the deployment is past it. */
  steer(id: DeploymentId, verb: "abort" | "promote"): Promise<boolean>;
  see(): Promise<SeenService | undefined>;
  controlPid(): number;
  postgresPid(): number | undefined;
  /** Whether the control plane can do something now. */
  answers(): Promise<boolean>;
  end(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), "sluice-soak-"));
  const dataFolder = join(root, ".sluice");
  mkdirSync(join(root, "web"), { recursive: true });
  copyFileSync(join(programs, "service.js"), join(root, "web", "main.js"));
  writeFileSync(join(root, "web", "package.json"), '{"name":"web","type":"module"}');
  const control = keepControlPlane(dataFolder);
  const host = hostClient(dataFolder);
  const api = () => openApi(localControlPlane(dataFolder));
  const postmaster = () => runningPostmaster(place(dataFolder, nativeFolder()));

  async function built(wanted: Wanted): Promise<string> {
    const release = await buildRelease({ root, config: configOf(wanted), data: dataFolder, version: wanted.version });
    await patiently(() => api().ask("keepRelease", { body: release }));
    return release.id;
  }
  const stage: Omit<Stage, "entryPort"> = {
    dataFolder,
    host,
    deploy: async (wanted) => {
      const release = await built(wanted);
      const asking = { body: { environment, release }, idempotencyKey: wanted.version };
      return (await patiently(() => api().ask("deploy", asking))).deployment.id;
    },
    rollback: async () => {
      const asking = { params: { environment }, body: {}, idempotencyKey: `back-${Date.now()}` };
      return (await patiently(() => api().ask("rollback", asking))).deployment.id;
    },
    look: async (id) => (await patiently(() => api().ask("getDeployment", { params: { id } }))).deployment,
    steer: async (id, verb) => {
      const asked = () => api().ask(verb, { params: { id }, body: verb === "promote" ? { full: true } : {} });
      return patiently(asked).then(
        () => true,
        () => false,
      );
    },
    see: () => patiently(() => host.get(service)),
    controlPid: control.pid,
    postgresPid: () => postmaster()?.pid,
    answers: () =>
      api()
        .ask("status")
        .then(
          () => true,
          () => false,
        ),
    end: async () => {
      await control.stop();
      await host.stop().catch(() => {});
      await stopEmbedded(dataFolder);
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      console.error("Ending what was started");
      void stage.end().finally(() => process.exit(130));
    });
  try {
    const first = await stage.deploy({ version: "0", strategy: "recreate" });
    for (let run = await stage.look(first); run.phase.kind !== "ended"; run = await stage.look(first)) await sleep(50);
    return { ...stage, entryPort: (await stage.see())?.entryPort ?? 0 };
  } catch (error) {
    await stage.end();
    throw error;
  }
}

function keepControlPlane(dataFolder: string): { pid(): number; stop(): Promise<void> } {
  mkdirSync(dataFolder, { recursive: true });
  const log = openSync(join(dataFolder, "control.log"), "a");
  let child: ChildProcess;
  let isStopping = false;
  let tellEnd = () => {};
  const start = () => {
    child = spawn(process.execPath, [join(programs, "control.js"), dataFolder, "--workspace", "soak", "--port", "0"], {
      stdio: ["ignore", log, log],
      env: { ...process.env, SLUICE_INTERVAL_MS: "500" },
    });
    child.once("exit", () => {
      if (isStopping) tellEnd();
      else setTimeout(start, 20);
    });
  };
  start();
  return {
    pid: () => child.pid ?? 0,
    stop: async () => {
      isStopping = true;
      const deadline = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await new Promise<void>((ended) => {
        tellEnd = ended;
        child.kill("SIGTERM");
      });
      clearTimeout(deadline);
    },
  };
}

/** Whoever is asked may just have been killed. */
export async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + patienceMs; ; await sleep(25)) {
    try {
      return await act();
    } catch (error) {
      const mayPass = error instanceof Unreachable || error instanceof Temporary;
      if (!mayPass || Date.now() > until) throw error;
    }
  }
}

function configOf({ version, strategy, isBad }: Wanted) {
  const parsed = parseConfig({
    workspace: "soak",
    services: {
      web: {
        kind: "http",
        path: "web",
        build: { bundle: "main.js" },
        replicas: 2,
        ingress: { path: "/" },
        // While a recreate has no replica, all that comes is held: uploads at this rate are more than the default's 4 MB.
        traffic: { buffer: { within: "60s", memory: "256MB", requests: 50_000 } },
        health: { interval: "500ms", startWithin: "20s", healthyThreshold: 1 },
        drainTimeout: "60s",
        grace: "5s",
        env: { VERSION: version, ...(isBad ? { ERROR_SHARE: "0.2" } : {}) },
      },
    },
    environments: {
      [environment]: {
        strategy: strategies[strategy],
        // How quick a busy machine is says nothing about a release.
        checks: { minimumRequests: 10, errorRateMax: "10%", latency: { p99: "60s" }, comparison: false },
        bake: "1s",
        secrets: {},
      },
    },
  });
  if (parsed.ok) return parsed.config;
  throw new Error(JSON.stringify(parsed.problems));
}
