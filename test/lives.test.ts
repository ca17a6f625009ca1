// Whole lives on real parts: the command line, control plane, PostgreSQL, host, router and replicas, under open-loop
// load. Processes are killed on purpose; a request fails only when it was in flight on one of those.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostClient } from "../src/host/client.ts";
import { type LoadFigures, startLoad } from "../src/testing/load.ts";

const program = resolve(import.meta.dirname, "../dist/sluice.js");
const root = mkdtempSync(join(tmpdir(), "sluice-lives-"));
const data = join(root, ".sluice");

const server = `
import { createServer } from "node:http";
const { PORT, GREETING = "hello", ERROR_SHARE = "0", NEVER_READY, IGNORE_TERM } = process.env;
const server = createServer((request, response) => {
  if (request.url === "/health") { response.statusCode = NEVER_READY ? 503 : 200; response.end("{}"); return; }
  response.statusCode = Math.random() < Number(ERROR_SHARE) ? 500 : 200;
  response.end(GREETING);
});
server.keepAliveTimeout = 75_000;
server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => { if (!IGNORE_TERM) server.close(() => process.exit(0)); server.closeIdleConnections(); });
`;

function configure(env: Readonly<Record<string, string>>): void {
  writeFileSync(
    join(root, "sluice.config.ts"),
    `import { defineConfig } from "sluice";
export default defineConfig({
  workspace: "lives",
  services: { web: {
    kind: "http", path: "web", build: { bundle: "main.ts" }, replicas: 2, ingress: { path: "/" },
    health: { interval: "200ms", startWithin: "4s" }, drainTimeout: "5s", grace: "2s", env: ${JSON.stringify(env)},
  } },
  environments: { production: {
    strategy: { kind: "canary", steps: [{ setWeight: 20 }, { bake: "2s" }, { setWeight: 60 }, { bake: "2s" }, { setWeight: 100 }] },
    checks: { minimumRequests: 20 }, bake: "1s", secrets: {},
  } },
});
`,
  );
}

interface Ran {
  readonly status: number;
  readonly json: { readonly id?: string; readonly outcome?: string; readonly deployment?: string };
  readonly text: string;
}

function sluice(...args: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args, "--json", "-C", root], {
      env: { ...process.env, SLUICE_INTERVAL_MS: "500" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.once("close", (status) => {
      const last = out.trim().split("\n").at(-1) ?? "";
      done({ status: status ?? 1, json: last.startsWith("{") ? JSON.parse(last) : {}, text: out + err });
    });
  });
}

function controlPid(): number {
  return JSON.parse(readFileSync(join(data, "control.json"), "utf8")).pid;
}

async function greeting(): Promise<string> {
  return (await fetch(await publicUrl())).text();
}

async function publicUrl(): Promise<string> {
  const seen = await hostClient(data).get("production/web");
  return `http://127.0.0.1:${seen?.entryPort}`;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await isSo().catch(() => false)) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error("it did not become so within 30 s");
}

/** Load while something happens. */
async function underLoad(happens: () => Promise<void>): Promise<LoadFigures> {
  const journey = { next: () => ({ method: "GET" as const, path: "/" }) };
  const load = startLoad({ baseUrl: await publicUrl(), requestsPerSecond: 60, journey, slowAfterMs: 10_000 });
  try {
    await happens();
  } finally {
    await new Promise((next) => setTimeout(next, 300));
  }
  return load.stop();
}

/** The traffic share of the newest revision, as the router reports it. */
async function candidateShare(): Promise<number> {
  const seen = await hostClient(data).get("production/web");
  const shares = Object.values(seen?.revisions ?? {}).map(({ weight }) => weight);
  return shares.length < 2 ? 0 : Math.min(...shares);
}

/** Nothing is under way any more. */
async function isSettled(): Promise<boolean> {
  const { text } = await sluice("status");
  const { environments }: { environments: readonly { open?: readonly unknown[] }[] } = JSON.parse(
    text.trim().split("\n").at(-1) ?? "{}",
  );
  return environments.every(({ open = [] }) => open.length === 0);
}

describe("a service's life", () => {
  beforeAll(async () => {
    mkdirSync(join(root, "web"), { recursive: true });
    writeFileSync(join(root, "package.json"), '{"name":"lives","private":true,"type":"module","workspaces":["web"]}');
    writeFileSync(join(root, "web/package.json"), '{"name":"web","type":"module"}');
    writeFileSync(join(root, "web/main.ts"), server);
    configure({ GREETING: "one" });
    expect((await sluice("up", "--port", "0")).text).toContain("url");
  });
  afterAll(async () => {
    await sluice("down");
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  test("begins with a first deployment", async () => {
    const ran = await sluice("deploy", "production", "--name", "1");
    expect([ran.status, ran.json.outcome], ran.text).toEqual([0, "succeeded"]);
    expect(await greeting()).toBe("one");
  });

  test("the same release again changes nothing", async () => {
    const ran = await sluice("deploy", "production", "--name", "1");
    expect([ran.status, ran.json.outcome], ran.text).toEqual([0, "succeeded"]);
  });

  test("a good release goes out as a canary and no request fails", async () => {
    configure({ GREETING: "two" });
    const figures = await underLoad(async () => {
      const ran = await sluice("deploy", "production", "--name", "2");
      expect(ran.json.outcome, ran.text).toBe("succeeded");
    });
    expect(figures).toMatchObject({ failed: 0, badServed: 0 });
    expect(await greeting()).toBe("two");
  });

  test("a release that fails a part of its requests is taken back by itself, and none fails because of Sluice", async () => {
    configure({ GREETING: "three", ERROR_SHARE: "0.4" });
    const figures = await underLoad(async () => {
      const ran = await sluice("deploy", "production", "--name", "3");
      expect([ran.status, ran.json.outcome], ran.text).toEqual([1, "rolled back"]);
    });
    expect(figures.failed).toBe(0);
    expect(figures.badServed).toBeGreaterThan(0);
    expect(await greeting()).toBe("two");
  });

  test("a release that never becomes ready is taken back and nobody is sent to it", async () => {
    configure({ GREETING: "four", NEVER_READY: "1" });
    const figures = await underLoad(async () => {
      expect((await sluice("deploy", "production", "--name", "4")).json.outcome).toBe("rolled back");
    });
    expect(figures).toMatchObject({ failed: 0, badServed: 0 });
  });

  test("the control plane is killed in the middle of a canary; the next one finishes it, and no request fails", async () => {
    configure({ GREETING: "five", IGNORE_TERM: "1" });
    const figures = await underLoad(async () => {
      const asked = await sluice("deploy", "production", "--name", "5", "--detach");
      expect(asked.status, asked.text).toBe(0);
      await until(async () => (await candidateShare()) === 20);
      process.kill(controlPid(), "SIGKILL");
      await new Promise((next) => setTimeout(next, 500));
      expect((await sluice("up", "--port", "0")).status).toBe(0);
      await until(async () => (await greeting()) === "five" && (await candidateShare()) === 0);
    });
    expect(figures).toMatchObject({ failed: 0, badServed: 0 });
  });

  test("a person aborts it midway, while its predecessor ignores SIGTERM, and no request fails", async () => {
    configure({ GREETING: "six" });
    const figures = await underLoad(async () => {
      await until(async () => (await sluice("deploy", "production", "--name", "6", "--detach")).status === 0);
      await until(async () => (await candidateShare()) === 20);
      const ran = await sluice("abort", "production", "--reason", "second thoughts", "--wait");
      expect(ran.json.outcome, ran.text).toBe("aborted");
    });
    expect(figures).toMatchObject({ failed: 0, badServed: 0 });
    expect(await greeting()).toBe("five");
  });

  test("supervisor, router and a replica are killed under load; all come back, only what was in flight on them fails", async () => {
    const host = hostClient(data);
    const before = await host.health();
    const figures = await underLoad(async () => {
      process.kill(before.pid, "SIGKILL");
      await until(async () => (await host.health()).pid !== before.pid);
      const { router } = await host.health();
      if (router.pid !== undefined) process.kill(router.pid, "SIGKILL");
      await until(async () => {
        const now = (await host.health()).router;
        return now.answers && now.pid !== router.pid;
      });
      const [replica] = Object.values((await host.get("production/web"))?.revisions ?? {}).flatMap((r) => r.replicas);
      if (replica?.pid !== undefined) process.kill(replica.pid, "SIGKILL");
      await until(async () => {
        const revisions = Object.values((await host.get("production/web"))?.revisions ?? {});
        return revisions.some(({ ready }) => ready === 2);
      });
    });
    // At 60 requests a second, each of the two kills that touch requests catches a handful in flight at the most.
    expect(figures.failed, JSON.stringify(figures.reasons)).toBeLessThanOrEqual(6);
    expect(await greeting()).toBe("five");
  });

  test("maintenance is a person's word: everybody gets the page, over a kill of the router, until it is off", async () => {
    const answer = async () => {
      const { status, headers } = await fetch(await publicUrl());
      return [status, headers.get("x-sluice-error")];
    };
    const on = await sluice("maintenance", "on", "web", "--reason", "moving the database");
    expect(on.json).toEqual({ environment: "production", service: "web", on: true });
    await until(async () => (await answer())[0] === 503);
    expect(await answer()).toEqual([503, "maintenance"]);
    expect((await sluice("status")).text).toContain('"reason":"moving the database"');
    const { router } = await hostClient(data).health();
    process.kill(router.pid ?? 0, "SIGKILL");
    await until(async () => (await answer())[1] === "maintenance");
    expect((await sluice("maintenance", "off", "web")).status).toBe(0);
    await until(async () => (await answer())[0] === 200);
  });

  test("a rollback returns to the release before, and no request fails", async () => {
    configure({ GREETING: "seven" });
    const figures = await underLoad(async () => {
      const next = await sluice("deploy", "production", "--name", "7");
      expect(next.json.outcome, next.text).toBe("succeeded");
      const ran = await sluice("rollback", "production", "--reason", "checkout is broken");
      expect(ran.json.outcome, ran.text).toBe("succeeded");
    });
    expect(figures).toMatchObject({ failed: 0, badServed: 0 });
    expect(await greeting()).toBe("five");
  });

  test.each([
    { phase: "before the first step", share: 0 },
    { phase: "in the first bake", share: 20 },
  ])(
    "the control plane is killed $phase of a bad release, which is taken back all the same",
    async ({ phase, share }) => {
      configure({ GREETING: `bad ${phase}`, ERROR_SHARE: "0.5" });
      const figures = await underLoad(async () => {
        const asked = await sluice("deploy", "production", "--name", `bad ${phase}`, "--detach");
        expect(asked.status, asked.text).toBe(0);
        await until(async () => (await candidateShare()) >= share);
        process.kill(controlPid(), "SIGKILL");
        expect((await sluice("up", "--port", "0")).status).toBe(0);
        await until(isSettled);
      });
      expect(figures.failed, JSON.stringify(figures.reasons)).toBe(0);
      expect(await greeting()).toBe("five");
    },
  );

  test("its history tells all of it", async () => {
    const { text } = await sluice("history", "production");
    for (const outcome of ["succeeded", "rolled back", "aborted"]) expect(text).toContain(outcome);
  });
});
