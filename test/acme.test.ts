// Certificates from a real ACME authority, Pebble: asked for by `sluice up`, proved through the router's plain port, served by
// the control plane, renewed before they end; and when the authority is gone, the old one stays and the reason is told.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type PeerCertificate } from "node:tls";
import { afterAll, expect, test } from "vitest";

const program = resolve(import.meta.dirname, "../dist/sluice.js");
const fixtures = resolve(import.meta.dirname, "fixtures/tls");
const folder = mkdtempSync(join(tmpdir(), "sluice-acme-"));
const data = join(folder, "data");
const children: ChildProcess[] = [];

/** Built by Go where there is one; that it cannot be had is said in one line. */
function pebblePrograms(): string | undefined {
  try {
    const names = ["pebble", "pebble-challtestsrv"].map(
      (name) => `github.com/letsencrypt/pebble/v2/cmd/${name}@latest`,
    );
    const env = { ...process.env, GOBIN: join(folder, "bin") };
    execFileSync("go", ["install", ...names], { env, stdio: "ignore", timeout: 240_000 });
    return join(folder, "bin");
  } catch {
    console.log("the ACME test is skipped: Pebble cannot be built here, which needs Go and its module");
    return undefined;
  }
}
const bin = pebblePrograms();

afterAll(async () => {
  if (existsSync(data)) await sluice("down");
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 60_000);

function sluice(...args: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  const env = { ...process.env, NO_COLOR: "1", SLUICE_DATA: data, NODE_EXTRA_CA_CERTS: join(fixtures, "ca.pem") };
  Reflect.deleteProperty(env, "DATABASE_URL");
  mkdirSync(folder, { recursive: true });
  return new Promise((done) => {
    execFile(process.execPath, [program, ...args], { cwd: folder, env, timeout: 120_000 }, (error, out, err) =>
      done({ status: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err }),
    );
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function startAuthority(
  programs: string,
  ports: { readonly directory: number; readonly names: number; readonly plain: number },
): void {
  const pebble = {
    listenAddress: `127.0.0.1:${ports.directory}`,
    managementListenAddress: "127.0.0.1:0",
    certificate: join(fixtures, "localhost.pem"),
    privateKey: join(fixtures, "localhost-key.pem"),
    httpPort: ports.plain,
    tlsPort: 1,
    profiles: { default: { description: "ends soon", validityPeriod: 45 } },
  };
  writeFileSync(join(folder, "pebble.json"), JSON.stringify({ pebble }));
  const names = ["-dnsserver", `127.0.0.1:${ports.names}`];
  const off = [
    "-http01",
    "",
    "-https01",
    "",
    "-tlsalpn01",
    "",
    "-doh",
    "",
    "-management",
    "127.0.0.1:0",
    "-defaultIPv6",
    "",
  ];
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1" };
  children.push(
    spawn(join(programs, "pebble-challtestsrv"), [...names, ...off], { stdio: "ignore" }),
    spawn(join(programs, "pebble"), ["-strict", "-config", join(folder, "pebble.json"), ...names], {
      stdio: "ignore",
      env,
    }),
  );
}

/** What is served under the name. */
function shown(port: number): Promise<PeerCertificate> {
  return new Promise((told, failed) => {
    const socket = connect({ port, host: "127.0.0.1", servername: "shop.test", rejectUnauthorized: false }, () => {
      told(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on("error", failed);
  });
}

function get(port: number, path: string): Promise<{ status: number | undefined; location: string | undefined }> {
  return new Promise((answered, failed) => {
    const asked = request(
      { port, host: "127.0.0.1", path, headers: { host: "shop.test" } },
      ({ statusCode, headers }) => answered({ status: statusCode, location: headers.location }),
    );
    asked.on("error", failed).end();
  });
}

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) {
    const found = await look().catch(() => undefined);
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`not so within 90 s: ${look}`);
}

test.skipIf(bin === undefined)(
  "a domain gets its certificate, serves it, renews it, and keeps it when the authority is gone",
  async () => {
    const [directory, names, plain, door] = [await freePort(), await freePort(), await freePort(), await freePort()];
    startAuthority(bin ?? "", { directory, names, plain });
    const up = await sluice(
      ...[
        "up",
        "--port",
        "0",
        "--http-port",
        String(plain),
        "--public",
        `https://shop.test:${door}`,
        "--address",
        "127.0.0.1",
      ],
      ...[
        "--acme-domain",
        "shop.test",
        "--acme-email",
        "ops@shop.test",
        "--acme-directory",
        `https://localhost:${directory}/dir`,
      ],
    );
    expect(up).toMatchObject({ status: 0, err: "" });

    const first = await until(() => shown(door));
    expect([first.issuer.CN, first.subjectaltname]).toEqual([expect.stringContaining("Pebble"), "DNS:shop.test"]);
    for (const name of ["shop.test.key", "shop.test.crt", "account.key"]) {
      expect([name, statSync(join(data, "certificates", name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(await get(plain, "/a?b=c")).toEqual({ status: 308, location: "https://shop.test/a?b=c" });
    expect((await get(plain, "/.well-known/acme-challenge/nothing")).status).toBe(404);

    // Renewed while its life is not over, with the same account, and served without a restart.
    const account = readFileSync(join(data, "certificates/account.key"), "utf8");
    const second = await until(async () => {
      const now = await shown(door);
      return now.serialNumber !== first.serialNumber && now;
    });
    expect(Date.parse(second.valid_from)).toBeLessThan(Date.parse(first.valid_to));
    expect(readFileSync(join(data, "certificates/account.key"), "utf8")).toBe(account);

    for (const child of children) child.kill("SIGKILL");
    await until(async () => readFileSync(join(data, "certificates/state.json"), "utf8").includes("failure"));
    expect((await sluice("doctor")).out).toMatch(/shop\.test .*no certificate for shop\.test from localhost:\d+/);
    expect(await shown(door)).toMatchObject({ subjectaltname: "DNS:shop.test" });
  },
  240_000,
);
