// The command as a person uses it, on real parts: from `sluice init` in a repository that has never seen Sluice to a bad
// release that is taken back, with the control plane killed in between.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const program = resolve(import.meta.dirname, "../dist/sluice.js");
let root: string;

beforeAll(() => {
  if (!existsSync(program)) throw new Error("dist/sluice.js is missing: npm run build");
  root = mkdtempSync(join(tmpdir(), "sluice-cli-"));
  write("package.json", '{ "name": "shop", "private": true, "workspaces": ["apps/*"] }');
  write("apps/api/package.json", '{ "name": "@shop/api", "scripts": { "start": "node src/main.ts" } }');
  write("apps/api/src/main.ts", service("one"));
});
afterAll(async () => {
  await sluice("down");
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function service(says: string): string {
  return `import { createServer } from "node:http";
const server = createServer((_, response) => response.end(${JSON.stringify(says)} + " " + process.env.KEY));
server.listen(Number(process.env.PORT), () => console.log("listening"));
process.on("SIGTERM", () => server.close());
`;
}

interface Said {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function sluice(...args: readonly string[]): Promise<Said> {
  const env = { ...process.env, SLUICE_DATA: undefined, DATABASE_URL: undefined, NO_COLOR: "1" };
  return new Promise((done) => {
    execFile(process.execPath, [program, ...args], { cwd: root, env, timeout: 120_000 }, (error, out, err) => {
      done({ status: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

async function served(): Promise<string> {
  const { out } = await sluice("status", "--json");
  const { url } = JSON.parse(out).environments.find((environment: { name: string }) => environment.name === "local");
  return (await fetch(url)).text();
}

test("a life with the command: init, up, deploy, a bad release, rollback, a killed control plane, down", async () => {
  expect(await sluice("status")).toMatchObject({ status: 3, err: expect.stringContaining('Run "sluice up"') });
  expect((await sluice("init")).status).toBe(0);
  withPortsOfItsOwn();
  expect((await sluice("plan", "local")).out).toContain("start 2 replicas of");

  const ups = await Promise.all([sluice("up", "--json", "--port", "0"), sluice("up", "--json", "--port", "0")]);
  expect(ups.map(({ status, err }) => [status, err])).toEqual([
    [0, ""],
    [0, ""],
  ]);
  expect(new Set(ups.map(({ out }) => JSON.parse(out).url)).size).toBe(1);

  expect(await sluice("deploy", "local")).toMatchObject({
    status: 2,
    err: expect.stringContaining(".env.local is not there"),
  });
  write(".env.local", "KEY=s3cret\n");
  const first = await sluice("deploy", "local", "--name", "1", "--json");
  expect(first).toMatchObject({ status: 0, err: "" });
  expect(JSON.parse(first.out)).toMatchObject({ environment: "local", outcome: "succeeded" });
  expect(await served()).toBe("one s3cret");

  write("apps/api/src/main.ts", service("two"));
  expect((await sluice("deploy", "local", "--name", "2")).out).toContain("v2 is live in local");
  expect(await served()).toBe("two s3cret");

  write("apps/api/src/main.ts", "process.exit(3);");
  const bad = await sluice("deploy", "local", "--name", "3", "--json");
  expect([bad.status, JSON.parse(bad.out).outcome]).toEqual([1, "rolled back"]);
  expect(await served()).toBe("two s3cret");

  const { pid } = JSON.parse(readFileSync(join(root, ".sluice/control.json"), "utf8"));
  process.kill(pid, "SIGKILL");
  expect((await sluice("history")).status).toBe(3);
  expect((await sluice("up", "--json")).status).toBe(0);
  expect(await served()).toBe("two s3cret");

  const back = await sluice("rollback", "local", "--reason", "drill");
  expect(back).toMatchObject({ status: 0, out: expect.stringContaining("local is back on v1 from v2") });
  expect(await served()).toBe("one s3cret");
  expect((await sluice("logs", "local", "api")).out).toContain("listening");
  expect((await sluice("history", "--json")).out).not.toContain("s3cret");
  expect((await sluice("doctor")).status).toBe(0);

  expect((await sluice("down")).out).toContain("Stopped: control plane, host and its services");
  expect((await sluice("down")).out).toBe("Nothing was running\n");
}, 300_000);

/** Other things may listen on what init proposes; and the service is given a secret. */
function withPortsOfItsOwn(): void {
  const file = join(root, "sluice.config.ts");
  const text = readFileSync(file, "utf8").replaceAll(/port: \d+/g, "port: 0");
  const withSecret = text
    .replace("replicas: 2,", 'replicas: 2,\n      env: { KEY: { secret: "KEY" } },')
    .replace('strategy: "rolling",', 'strategy: "rolling",\n      secrets: { envFile: ".env.local" },');
  writeFileSync(file, withSecret);
}
