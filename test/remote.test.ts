// A laptop drives a control plane and host on another machine, through nothing but the command and HTTPS with a private
// certificate authority: signing in, bad certificates, an upload that breaks off, a deployment over a bad line, logs.
import { type ChildProcess, execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect as connectPlain, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";

const program = resolve(import.meta.dirname, "../dist/sluice.js");
const fixtures = resolve(import.meta.dirname, "fixtures/tls");
const certificate = (name: string) => join(fixtures, `${name}.pem`);
let folder: string;
let port: number;
let line: Line;

beforeAll(async () => {
  if (!existsSync(program)) throw new Error("dist/sluice.js is missing: npm run build");
  folder = mkdtempSync(join(tmpdir(), "sluice-remote-"));
  line = await openLine();
  port = await freePort();
});
afterAll(async () => {
  await sluice("machine", "down");
  line.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Said {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** On the machine or on the laptop: two folders that share nothing. */
function start(
  where: "machine" | "laptop",
  args: readonly string[],
  input = "",
): { child: ChildProcess; said: Promise<Said> } {
  const cwd = join(folder, where);
  mkdirSync(cwd, { recursive: true });
  const env = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(cwd, "config") };
  for (const name of ["SLUICE_DATA", "SLUICE_SERVER", "SLUICE_TOKEN", "SLUICE_CA", "DATABASE_URL"])
    Reflect.deleteProperty(env, name);
  let tell: (said: Said) => void;
  const said = new Promise<Said>((told) => {
    tell = told;
  });
  const child = execFile(process.execPath, [program, ...args], { cwd, env, timeout: 120_000 }, (error, out, err) =>
    tell({ status: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err }),
  );
  child.stdin?.end(input);
  return { child, said };
}

function sluice(where: "machine" | "laptop", ...args: readonly string[]): Promise<Said> {
  return start(where, args).said;
}

/** The network between laptop and machine. It can break. */
interface Line {
  readonly port: number;
  /** Bytes that went towards the machine. */
  carried: number;
  /** Breaks every connection when so many more bytes have gone. */
  breakAfter(bytes: number): void;
  breakNow(): void;
  close(): void;
}

async function openLine(): Promise<Line> {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  const server: Server = createServer((near) => {
    const far = connectPlain(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (part) => {
      line.carried += part.length;
      left -= part.length;
      far.write(part);
      if (left <= 0) line.breakNow();
    });
    far.pipe(near);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    carried: 0,
    breakAfter: (bytes) => {
      left = bytes;
    },
    breakNow: () => {
      left = Number.POSITIVE_INFINITY;
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function use(name: string): void {
  copyFileSync(certificate(name), join(folder, "cert.pem"));
  copyFileSync(certificate(`${name}-key`), join(folder, "key.pem"));
}

/** The name in the certificate that the control plane shows. */
function shown(): Promise<string> {
  return new Promise((told, failed) => {
    const socket = connect({ port, host: "localhost", ca: readFileSync(certificate("ca")) }, () => {
      told(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", failed);
  });
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) if (await isSo()) return;
  throw new Error(`not so within a minute: ${isSo}`);
}

function write(path: string, content: string | Buffer): void {
  const file = join(folder, "laptop", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

test("a laptop signs in over HTTPS; a certificate that cannot be trusted says why", async () => {
  use("localhost");
  const up = await sluice(
    "machine",
    "up",
    "--port",
    "0",
    "--public",
    `https://localhost:${port}`,
    "--address",
    "127.0.0.1",
    "--tls-cert",
    join(folder, "cert.pem"),
    "--tls-key",
    join(folder, "key.pem"),
  );
  expect(up).toMatchObject({ status: 0, out: expect.stringContaining(`sluice login https://localhost:${port}`) });
  const token = readFileSync(join(folder, "machine/.sluice/token"), "utf8");
  write("token", token);
  write("wrong", `sluice_${"x".repeat(43)}`);
  const url = `https://localhost:${line.port}`;
  const login = (...more: readonly string[]) => sluice("laptop", "login", url, "--token-file", "token", ...more);

  expect(await sluice("laptop", "status")).toMatchObject({
    status: 3,
    err: expect.stringContaining("sluice login URL"),
  });
  expect(await login()).toMatchObject({
    status: 3,
    err: expect.stringMatching(/authority that this machine does not know[\s\S]*--ca FILE/),
  });
  expect(await login("--ca", certificate("renewed"))).toMatchObject({
    status: 3,
    err: expect.stringContaining("its certificate"),
  });
  const plain = await sluice("laptop", "login", "http://192.0.2.1:7070", "--token-file", "token");
  expect(plain).toMatchObject({ status: 2, err: expect.stringContaining("is not encrypted") });
  const wrong = await sluice("laptop", "login", url, "--token-file", "wrong", "--ca", certificate("ca"));
  expect(wrong).toMatchObject({ status: 3, err: expect.stringContaining("refused the token") });

  const piped = start("laptop", ["login", url, "--ca", certificate("ca"), "--json"], token);
  expect(await piped.said).toMatchObject({ status: 0, err: "" });
  const logins = join(folder, "laptop/config/sluice/logins.json");
  expect(statSync(logins).mode & 0o777).toBe(0o600);
  expect(JSON.parse((await sluice("laptop", "whoami", "--json")).out)).toMatchObject({ server: url });

  for (const [name, says] of [
    ["expired", "its certificate has expired"],
    ["elsewhere", "its certificate is for another name"],
  ] as const) {
    use(name);
    await until(async () => (await sluice("laptop", "whoami")).err.includes(says));
  }
  use("renewed");
  await until(async () => (await shown().catch(() => "")) === "Sluice test renewed");
  expect((await sluice("laptop", "whoami")).status).toBe(0);
}, 120_000);

test("an upload that breaks off goes on where it was, and a bad line does not hurt a deployment", async () => {
  const bytes = 12 * 2 ** 20;
  write("package.json", '{ "name": "shop", "private": true, "workspaces": ["apps/*"] }');
  write("apps/api/package.json", '{ "name": "@shop/api" }');
  write("apps/api/data/noise.bin", randomBytes(bytes));
  write(
    "apps/api/src/main.ts",
    `import { createServer } from "node:http";
createServer((_, response) => response.end("one")).listen(Number(process.env.PORT), () => console.log("at work"));`,
  );
  write(
    "sluice.config.ts",
    `export default {
  services: { api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts", include: ["data"] }, health: { path: "/" }, ingress: {} } },
  jobs: {
    tidy: { service: "api", command: "node -p process.env.SLUICE_SERVICE", schedule: "0 3 * * *", zone: "Europe/Berlin" },
    fails: { service: "api", command: "node -e process.exit(3)" },
  },
  environments: { production: { strategy: "rolling", bake: "3s" } },
};`,
  );

  // The command is killed in the middle of the upload: nothing was deployed.
  line.carried = 0;
  const killed = start("laptop", ["deploy", "production"]);
  await until(() => line.carried > bytes / 3);
  killed.child.kill("SIGKILL");
  await killed.said;
  const first = line.carried;
  expect(first).toBeLessThan(bytes);
  expect((await sluice("laptop", "history", "--json")).out).not.toContain("production");

  // The second run sends the rest, although the line breaks twice, and the live view outlives a break, too.
  line.carried = 0;
  line.breakAfter(2 * 2 ** 20);
  const second = start("laptop", ["deploy", "production", "--json"]);
  await until(() => line.carried > 4 * 2 ** 20);
  line.breakNow();
  await until(async () => (await sluice("laptop", "status", "--json")).out.includes('"open":[{'));
  line.breakNow();
  const done = await second.said;
  expect(done).toMatchObject({ status: 0, err: "" });
  expect(JSON.parse(done.out)).toMatchObject({ environment: "production", outcome: "succeeded" });
  expect(line.carried).toBeLessThan(bytes - first + 5 * 2 ** 20);

  // What is there is not sent again.
  line.carried = 0;
  expect((await sluice("laptop", "deploy", "production", "--json")).status).toBe(0);
  expect(line.carried).toBeLessThan(2 ** 20);

  const status = JSON.parse((await sluice("laptop", "status", "--json")).out);
  expect(status.environments).toMatchObject([{ name: "production" }]);
  expect((await sluice("laptop", "logs", "production", "api")).out).toContain("at work");
  expect((await sluice("laptop", "watch", "production")).out).toContain("production");
  expect(existsSync(join(folder, "laptop/.sluice/token"))).toBe(false);

  // Jobs run from what stands there, by hand as by schedule.
  const byHand = await sluice("laptop", "job", "run", "production", "tidy");
  expect(byHand).toMatchObject({ status: 0, out: expect.stringMatching(/^api\n✓ succeeded/) });
  expect((await sluice("laptop", "job", "run", "production", "fails")).status).toBe(1);
  expect((await sluice("laptop", "job", "logs", "production", "fails")).out).toContain("exited with code 3");
  expect((await sluice("laptop", "jobs")).out).toMatch(/tidy +0 3 \* \* \* Europe\/Berlin +in .*succeeded/);
  expect((await sluice("laptop", "logout")).out).toContain("Signed out");
  expect((await sluice("laptop", "status")).status).toBe(3);
}, 180_000);
