// The router as a process of its own, started as the supervisor starts it: listeners inherited, killed, succeeded.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, get, request } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bindListener } from "../listeners.ts";
import type { RouterTable } from "../table.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-router-"));
const script = join(folder, "router.mjs");
const routerSocket = join(folder, "router.sock");
const tableFile = join(folder, "table.json");
const children: ChildProcess[] = [];
const replica = createServer((_, response) => response.end("v1"));
const listener = bindListener({ host: "127.0.0.1", port: 0, usedFor: "a test" });

beforeAll(async () => {
  const entry = join(import.meta.dirname, "../router-main.ts");
  await build({
    entryPoints: [entry],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  });
  await once(replica.listen(0, "127.0.0.1"), "listening");
  writeFileSync(tableFile, JSON.stringify(tableOf(1)));
});
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  replica.close();
  listener.close();
  rmSync(folder, { recursive: true, force: true });
});

function tableOf(version: number): RouterTable {
  const { port } = replica.address() as AddressInfo;
  return {
    version,
    listeners: [{ id: "entry", rules: [{ path: "/", service: "test/web" }] }],
    services: {
      "test/web": {
        revisions: { v1: { weight: 100, replicas: [{ id: "r1", port }] } },
        routes: [],
        buffer: { maxMs: 1_000, maxBytes: 1_000 },
      },
    },
  };
}

function startRouter(): ChildProcess {
  const commands = { supervisor: ["-e", "process.send('supervisor is back')"], router: [script] };
  const settings = {
    dataFolder: folder,
    commands,
    routerSocket,
    tableFile,
    logFile: join(folder, "log"),
    listeners: { entry: 4 },
  };
  const child = spawn(process.execPath, [script], {
    stdio: ["ignore", "inherit", "inherit", "ipc", listener.fd],
    env: { ...process.env, SLUICE_TWIN: JSON.stringify(settings) },
  });
  children.push(child);
  return child;
}

function ask(): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: listener.port, agent: false }, (response) => {
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

function control(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: routerSocket, method, path }, (response) => {
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    asked.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 3_000; i++) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited in vain");
}

test("serves from its table file, survives its kill by the backlog, and hands over to a successor without a loss", async () => {
  const first = startRouter();
  await until(async () => (await ask()) === "v1"); // bound is not listening yet: the kernel refuses until the first listen
  await until(async () => (await control("GET", "/table")).status === 200);
  expect(statSync(routerSocket).mode & 0o777).toBe(0o600);
  first.kill("SIGKILL");
  await once(first, "exit");
  const waiting = ask();
  const second = startRouter();
  expect(await waiting).toBe("v1");

  expect((await control("PUT", "/table", { version: "x" })).status).toBe(400);
  expect(JSON.parse((await control("GET", "/table")).body).version).toBe(1);
  expect(JSON.parse((await control("PUT", "/table", tableOf(2))).body)).toMatchObject({
    version: 2,
    listeners: { entry: listener.port },
  });
  writeFileSync(tableFile, JSON.stringify(tableOf(3)));
  const third = startRouter();
  await until(async () => JSON.parse((await control("GET", "/table")).body).version === 3);
  const answers = Array.from({ length: 50 }, () => ask());
  const exited = once(second, "exit");
  second.kill("SIGTERM");
  answers.push(...Array.from({ length: 50 }, () => ask()));
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["v1"]));
  expect(await exited).toEqual([0, null]);
  expect((await control("GET", "/table")).status).toBe(200);
  expect(third.exitCode).toBe(null);
});

const idleConnections = 10_000;
const filesMax = execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim();
const fits = filesMax === "unlimited" || Number(filesMax) > idleConnections + 1_000;
if (!fits) console.log(`10,000 idle connections are skipped: a process may open ${filesMax} files here`);

test.skipIf(!fits)("ten thousand idle connections, and nobody waits", async () => {
  const idle: Socket[] = [];
  const batch = 200; // less than the backlog
  while (idle.length < idleConnections) {
    const opening = Array.from({ length: batch }, () => connect(listener.port, "127.0.0.1"));
    idle.push(...opening);
    await Promise.all(opening.map((socket) => once(socket, "connect")));
  }
  const open = async () =>
    Number(/^sluice_router_connections (\d+)/m.exec((await control("GET", "/metrics")).body)?.[1]);
  await until(async () => (await open()) >= idleConnections);
  expect(await ask()).toBe("v1");
  for (const socket of idle) socket.destroy();
  await until(async () => (await open()) < 100);
});

test("goes on serving when the supervisor is gone", async () => {
  children.at(-1)?.disconnect();
  for (let i = 0; i < 10; i++) expect(await ask()).toBe("v1");
});
