// Certificates from a real ACME authority, Pebble: proved through the router's plain port, served by the control plane and by
// an environment, renewed before they end. Where one cannot be had, the reason is told and what is there stays.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type PeerCertificate } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const program = resolve(import.meta.dirname, "../dist/sluice.js");
const fixtures = resolve(import.meta.dirname, "fixtures/tls");
const folder = mkdtempSync(join(tmpdir(), "sluice-acme-"));
const data = join(folder, "data");
const children: ChildProcess[] = [];

/** Built by Go where there is one, once for all runs; that it cannot be had is said in one line. */
function pebblePrograms(): string | undefined {
  const bin = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sluice-test/pebble");
  const programs = ["pebble", "pebble-challtestsrv"];
  if (programs.every((name) => existsSync(join(bin, name)))) return bin;
  try {
    const names = programs.map((name) => `github.com/letsencrypt/pebble/v2/cmd/${name}@latest`);
    execFileSync("go", ["install", ...names], {
      env: { ...process.env, GOBIN: bin },
      stdio: "ignore",
      timeout: 240_000,
    });
    return bin;
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

interface Ports {
  readonly directory: number;
  readonly names: number;
  readonly steering: number;
  readonly plain: number;
}

function startAuthority(programs: string, ports: Ports): void {
  const pebble = {
    listenAddress: `127.0.0.1:${ports.directory}`,
    managementListenAddress: "127.0.0.1:0",
    certificate: join(fixtures, "localhost.pem"),
    privateKey: join(fixtures, "localhost-key.pem"),
    httpPort: ports.plain,
    tlsPort: 1,
    profiles: { default: { description: "ends soon", validityPeriod: 15 } },
  };
  writeFileSync(join(folder, "pebble.json"), JSON.stringify({ pebble }));
  const names = ["-dnsserver", `127.0.0.1:${ports.names}`];
  const off = ["http01", "https01", "tlsalpn01", "doh", "defaultIPv6"].flatMap((name) => [`-${name}`, ""]);
  const steered = ["-management", `127.0.0.1:${ports.steering}`];
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1" };
  const [pebbleProgram, namesProgram] = ["pebble", "pebble-challtestsrv"].map((name) => join(programs, name));
  children.push(
    spawn(namesProgram ?? "", [...names, ...off, ...steered], { stdio: "ignore" }),
    spawn(pebbleProgram ?? "", ["-strict", "-config", join(folder, "pebble.json"), ...names], { stdio: "ignore", env }),
  );
}

/** Every name leads to this machine but this one, where nobody listens. */
async function leadElsewhere(host: string, { steering }: Ports): Promise<void> {
  const body = JSON.stringify({ host: `${host}.`, addresses: ["127.0.0.2"] });
  await until(async () => (await fetch(`http://127.0.0.1:${steering}/add-a`, { method: "POST", body })).ok);
}

const server = `
import { createServer } from "node:http";
createServer((request, response) => response.end("hello")).listen(Number(process.env.PORT), "127.0.0.1");
`;

function writeWorkspace({ directory }: Ports, entryPort: number): void {
  mkdirSync(join(folder, "web"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "shop", workspaces: ["web"] }));
  writeFileSync(join(folder, "web/package.json"), JSON.stringify({ name: "web", type: "module" }));
  writeFileSync(join(folder, "web/main.ts"), server);
  const acme = { email: "ops@shop.test", directory: `https://localhost:${directory}/dir` };
  const environment = (domain: string, port: number) => ({
    ...{ domain, port, entry: { acme }, strategy: "recreate", bake: "1s", secrets: {} },
  });
  const config = {
    workspace: "shop",
    services: {
      web: {
        ...{ kind: "http", path: "web", build: { bundle: "main.ts" }, ingress: { host: "www" } },
        health: { path: "/", interval: "200ms", healthyThreshold: 1 },
      },
    },
    environments: { production: environment("shop.test", entryPort), elsewhere: environment("elsewhere.test", 0) },
  };
  writeFileSync(
    join(folder, "sluice.config.ts"),
    `import { defineConfig } from "sluice";\nexport default defineConfig(${JSON.stringify(config)});\n`,
  );
}

/** What is served under the name. */
function shown(port: number, servername = "shop.test"): Promise<PeerCertificate> {
  return new Promise((told, failed) => {
    const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false }, () => {
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

describe.skipIf(bin === undefined)("an ACME authority", () => {
  let ports: Ports;
  let door: number;
  let entry: number;

  beforeAll(async () => {
    const [directory, names, steering, plain] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    ports = { directory, names, steering, plain };
    [door, entry] = [await freePort(), await freePort()];
    startAuthority(bin ?? "", ports);
    writeWorkspace(ports, entry);
    await leadElsewhere("elsewhere.test", ports);
  });

  test("a domain of the control plane gets its certificate while `sluice up` waits, and nobody else may read it", async () => {
    const { plain, directory } = ports;
    const up = await sluice(
      ...["up", "--port", "0", "--http-port", String(plain)],
      ...["--public", `https://shop.test:${door}`, "--address", "127.0.0.1"],
      ...["--acme-email", "ops@shop.test"],
      ...["--acme-directory", `https://localhost:${directory}/dir`],
    );
    expect(up).toMatchObject({
      status: 0,
      err: "",
      out: expect.stringContaining("✓ certificate of shop.test, 0 days"),
    });

    const first = await until(() => shown(door));
    expect([first.issuer.CN, first.subjectaltname]).toEqual([expect.stringContaining("Pebble"), "DNS:shop.test"]);
    for (const name of ["shop.test.key", "shop.test.crt", "account.key"]) {
      expect([name, statSync(join(data, "certificates", name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(await get(plain, "/a?b=c")).toEqual({ status: 308, location: "https://shop.test/a?b=c" });
    expect((await get(plain, "/.well-known/acme-challenge/nothing")).status).toBe(404);
  });

  test("a name that does not lead here stops its deployment with the authority's words, and nothing was started", async () => {
    const deployed = await sluice("deploy", "elsewhere");
    expect(deployed.status).not.toBe(0);
    expect(deployed.out + deployed.err).toMatch(
      /no certificate for elsewhere\.test from localhost:\d+: .*127\.0\.0\.2/,
    );
    expect((await sluice("health", "elsewhere")).out).toContain("0 of 0 ready");
  });

  test("an environment serves its services' hosts with certificates of their own, and health tells their days", async () => {
    expect(await sluice("deploy", "production")).toMatchObject({ status: 0 });
    expect((await shown(entry, "www.shop.test")).subjectaltname).toBe("DNS:www.shop.test");
    expect((await sluice("health", "production")).out).toMatch(/certificate of www\.shop\.test, 0 days left/);
  });

  test("it is renewed before its end with the same account and without a restart; a dead authority takes nothing away", async () => {
    const account = readFileSync(join(data, "certificates/account.key"), "utf8");
    const first = await shown(entry, "www.shop.test");
    const second = await until(async () => {
      const now = await shown(entry, "www.shop.test");
      return now.serialNumber !== first.serialNumber && now;
    });
    expect(Date.parse(second.valid_from)).toBeLessThan(Date.parse(first.valid_to));
    expect(readFileSync(join(data, "certificates/account.key"), "utf8")).toBe(account);

    for (const child of children) child.kill("SIGKILL");
    const told =
      /certificate of \S+, 0 days left: no certificate for \S+ from localhost:\d+: its directory does not answer/;
    await until(async () => told.test((await sluice("doctor")).out));
    expect(await shown(door)).toMatchObject({ subjectaltname: "DNS:shop.test" });
  });
});
