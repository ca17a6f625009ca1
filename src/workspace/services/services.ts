// Servers that tasks need beside them: each is started once, by the first task that names it, and ended with the run.
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { PipelineConfig } from "../../domain/config/pipeline.ts";
import { Problem } from "../../domain/problem.ts";
import { theGuard } from "../tasks/guard.ts";

type Written = PipelineConfig["services"][string];

/** Something that runs; `envFor` gives a task its own part of it, such as a database. */
export type Standing = Readonly<{
  envFor: (task: string) => Promise<Readonly<Record<string, string>>>;
  stop: () => Promise<void>;
}>;

export type Starters = Readonly<Record<string, () => Promise<Standing>>>;

export type Services = Readonly<{
  /** Variables for a task; starts what does not run yet. */
  envFor: (task: string, names: readonly string[]) => Promise<Readonly<Record<string, string>>>;
  stop: () => Promise<void>;
}>;

const redis: Written = {
  command:
    'exec "$(command -v redis-server || command -v valkey-server || echo redis-server)" --port "$PORT" --bind 127.0.0.1 --save "" --appendonly no',
  env: { REDIS_URL: "redis://127.0.0.1:{PORT}" },
};
const installRedis =
  "Install redis-server or valkey-server (apt install redis-server, brew install redis), or write services: { redis: { command: … } }";
const readyWithinMs = 60_000;

/** `starters` are those that come with Sluice; what the pipeline names goes before them. */
export function openServices(written: PipelineConfig["services"], root: string, starters: Starters): Services {
  const standing = new Map<string, Promise<Standing>>();
  const begin = (name: string): Promise<Standing> => {
    const own = written[name];
    if (own) return startCommand(name, own, root);
    const starter = starters[name];
    if (starter) return starter();
    if (name === "redis") return startCommand(name, redis, root);
    throw new Problem(`there is no service "${name}"`, "Known: postgres, redis, and those in the pipeline's services");
  };
  return {
    async envFor(task, names) {
      const env: Record<string, string> = {};
      for (const name of names) {
        const one = standing.get(name) ?? begin(name);
        standing.set(name, one);
        Object.assign(env, await (await one).envFor(task));
      }
      return env;
    },
    async stop() {
      const all = await Promise.allSettled(standing.values());
      await Promise.allSettled(all.map((one) => (one.status === "fulfilled" ? one.value.stop() : undefined)));
    },
  };
}

async function startCommand(name: string, { command, ready, env }: Written, root: string): Promise<Standing> {
  const port = await freePort();
  const own = { ...process.env, PORT: String(port) };
  const guard = theGuard();
  const child = spawn("sh", ["-c", command], {
    cwd: root,
    env: own,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  let hasEnded = false;
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const release = guard.watch(child.pid);
  const gone = new Promise<void>((done) =>
    child.once("close", () => {
      hasEnded = true;
      release();
      done();
    }),
  );
  const signal = (with_: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, with_);
    } catch {
      // nothing of the group is left
    }
  };
  const killNow = () => signal("SIGKILL");
  process.once("exit", killNow);
  const stop = async () => {
    signal("SIGTERM");
    await Promise.race([gone, wait(5000, undefined, { ref: false })]);
    signal("SIGKILL");
    process.off("exit", killNow);
  };
  const isReady = () => (ready === undefined ? answers(port) : succeeds(ready, root, own));
  for (const until = Date.now() + readyWithinMs; !(await isReady()); await wait(50)) {
    if (!hasEnded && Date.now() < until) continue;
    await stop();
    const last = said.trim().split("\n").at(-1) || "it printed nothing";
    const mend = name === "redis" && command === redis.command ? installRedis : `Its command: ${command}`;
    throw new Problem(`the service ${name} ${hasEnded ? "ended" : "is not ready"}: ${last}`, mend);
  }
  const filled = Object.entries(env).map(([k, v]) => [k, v.replaceAll("{PORT}", String(port))] as const);
  return { envFor: async () => Object.fromEntries(filled), stop };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    const end = (isOpen: boolean) => {
      socket.destroy();
      done(isOpen);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

function succeeds(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((done) => {
    spawn("sh", ["-c", command], { cwd, env, stdio: "ignore" })
      .once("error", () => done(false))
      .once("close", (code) => done(code === 0));
  });
}
