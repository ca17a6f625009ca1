// The host on real processes: what is asked, what is seen, and what happens when things go wrong.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { desired, fence, pause, type RealHost, realHost, revision, untilGone } from "../testing/real-host.ts";
import { HostFenced } from "./client.ts";
import { hostPaths } from "./paths.ts";
import { identify } from "./replica/process-identity.ts";
import { startHost } from "./start.ts";

let host: RealHost;
beforeEach(async () => {
  host = await realHost();
});
afterEach(() => host.stop());

const text = async (port: number, path = "/") => (await fetch(`http://127.0.0.1:${port}${path}`)).text();

/** One replica of "one", ready and routed. */
async function runningOne(spec: Parameters<typeof revision>[1] = { version: "one" }) {
  await host.client.put("test/web", desired(1, { v1: revision(host, spec) }));
  return host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === spec.replicas || v1?.ready === 1);
}

test("a service that is asked for runs, is ready and is reached through its ports", async () => {
  await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one", replicas: 2 }) }));
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2 && v1.weight === 100);
  expect(await Promise.all([seen.entryPort, seen.internalPort].map((port) => text(port)))).toEqual(["one", "one"]);
});

test("a lower fence and another journal are refused with the present one, until the host is claimed", async () => {
  const v1 = revision(host, { version: "one" });
  await host.client.put("test/web", desired(5, { v1 }));
  const late = await host.client.put("test/web", desired(4, {})).catch((error) => error);
  const foreign = await host.client
    .put("test/web", desired(9, {}, { fence: fence(9, "other") }))
    .catch((error) => error);
  expect([late, foreign].map((error) => [error instanceof HostFenced, error.message, error.present])).toEqual([
    [true, "test/web: command 4 came after 5, which outranks it", fence(5)],
    [true, "this host obeys journal journal-1; other must claim it first", fence(5)],
  ]);
  await host.client.claim("other");
  await host.client.put("test/web", desired(1, { v1 }, { fence: fence(1, "other") }));
  expect((await host.client.get("test/web"))?.fence).toEqual(fence(1, "other"));
});

test("everything wrong with a document is said at once", async () => {
  const wrong = revision(host, { version: "one", replicas: 0, weight: 50, spec: { folder: "relative" } });
  await expect(host.client.put("test/web", desired(1, { v1: wrong }))).rejects.toThrow(
    "test/web: revision v1: weight 50 without a replica; revision v1: spec.folder is not an absolute path; weights sum to 50, not to 100 or 0",
  );
});

test("a replica sees its own environment, its port, and nothing of the host's", async () => {
  const { entryPort } = await runningOne({ version: "one", env: { COLOUR: "green" } });
  const { PATH, PORT, PWD, HOME, USER, LANG, LC_ALL, TZ, TMPDIR, OLDPWD, SHLVL, SLUICE_RUN, _, ...rest } = JSON.parse(
    await text(entryPort, "/env"),
  );
  expect([rest, Number(PORT) > 0, PATH.split(":")[0]]).toEqual([
    { VERSION: "one", COLOUR: "green" },
    true,
    join(process.execPath, ".."),
  ]);
});

test("a replica holds none of the host's descriptors", async () => {
  const seen = await runningOne();
  const shim = seen.revisions.v1?.replicas[0]?.pid ?? 0;
  const { readdirSync, readlinkSync } = await import("node:fs");
  const open = readdirSync(`/proc/${shim}/fd`).map((fd) => readlinkSync(`/proc/${shim}/fd/${fd}`));
  const logFile = seen.revisions.v1?.replicas[0]?.logFile;
  expect(open.filter((target) => target !== "/dev/null" && target !== logFile)).toEqual([]);
});

test("a replica that is killed is out of service at once, restarted, and the reason is told", async () => {
  const before = await runningOne({ version: "one", replicas: 2 });
  const victim = before.revisions.v1?.replicas[0];
  await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
  process.kill(-(victim?.pid ?? 0), "SIGKILL");
  const after = await host.until("test/web", ({ revisions: { v1 } }) =>
    Boolean(v1?.ready === 2 && v1.replicas.some(({ restarts }) => restarts === 1)),
  );
  const restarted = after.revisions.v1?.replicas.find(({ id }) => id === victim?.id);
  expect(restarted?.pid).not.toBe(victim?.pid);
  expect(restarted?.lastExit?.because).toMatch(/^killed by SIGKILL after [\d.]+ s$/);
});

test("a service that never becomes ready is broken, with the probe's answer as the reason", async () => {
  const never = revision(host, { version: "one", env: { NEVER_READY: "1" }, spec: { startWithinMs: 500 } });
  await host.client.put("test/web", desired(1, { v1: never }));
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.broken !== undefined);
  expect(seen.revisions.v1?.broken).toBe("never ready: not ready within 0.5 s: GET /health answered 503");
});

test("a service that keeps exiting is a crash loop after three times", async () => {
  await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one", env: { EXIT_AT_ONCE: "7" } }) }));
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.broken !== undefined);
  expect(seen.revisions.v1?.broken).toMatch(/^crash loop: ended 3 times, last: exited with code 7 after 0\.\d s$/);
});

test("a start command that does not exist is broken at once", async () => {
  const missing = revision(host, { version: "one", spec: { command: ["no-such-program"] } });
  await host.client.put("test/web", desired(1, { v1: missing }));
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.broken !== undefined);
  expect(seen.revisions.v1?.broken).toBe('start command "no-such-program" was not found');
});

test("a replica that fails its probes leaves the table and does not hold up the others", async () => {
  await runningOne({ version: "one", replicas: 2 });
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
  await text(seen.revisions.v1?.replicas[0]?.port ?? 0, "/sicken");
  const after = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 1);
  expect(after.revisions.v1?.replicas[0]).toMatchObject({ state: "unready", because: "GET /health answered 503" });
  expect(await text(after.entryPort)).toBe("one");
});

test("a replica that answers nothing any more is restarted, and the reason says so", async () => {
  const readiness = { kind: "http", path: "/health", intervalMs: 50, timeoutMs: 100 } as const;
  const spec = { graceMs: 100, readiness: { ...readiness, healthyThreshold: 1, unhealthyThreshold: 1 } };
  const seen = await runningOne({ version: "one", spec });
  void fetch(`http://127.0.0.1:${seen.revisions.v1?.replicas[0]?.port}/hang`).catch(() => {});
  const ended = await host.until("test/web", ({ revisions: { v1 } }) => v1?.replicas[0]?.lastExit !== undefined);
  expect(ended.revisions.v1?.replicas[0]?.lastExit?.because).toMatch(
    /^hung \(GET \/health did not answer within 100 ms, again and again\); killed: did not end within 0\.1 s of SIGTERM after/,
  );
  await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 1);
});

test.each([
  ["child", ""],
  ["daemon", ", though it left the process group (Linux)"],
])(
  "one that ignores SIGTERM is killed after its grace, and no %s of it survives%s",
  {
    skip: process.platform !== "linux",
  },
  async (kind) => {
    const spec = { graceMs: 300 };
    const env = { IGNORE_TERM: "1", GRANDCHILD: kind };
    await runningOne({ version: "one", env, spec });
    const [log] = await host.client.logs({ service: "test/web" });
    const grandchild = Number(log?.lines.find((line) => line.startsWith("grandchild"))?.split(" ")[1]);
    expect(identify(grandchild)).toBeDefined();
    await host.client.put("test/web", desired(2, {}));
    await host.until("test/web", ({ revisions }) => Object.keys(revisions).length === 0);
    expect(identify(grandchild)).toBeUndefined();
  },
);

test("requests that outlast drain and grace are cut, and the number is told", async () => {
  const spec = { drainTimeoutMs: 200, graceMs: 200 };
  const { entryPort } = await runningOne({ version: "one", env: { TAKES_MS: "20000", IGNORE_TERM: "1" }, spec });
  const slow = fetch(`http://127.0.0.1:${entryPort}/`).then(
    (answer) => answer.status,
    () => "cut",
  );
  await host.until("test/web", ({ revisions: { v1 } }) => v1?.inFlight === 1);
  await host.client.put("test/web", desired(2, {}, { buffer: { maxMs: 0, maxBytes: 0 } }));
  await host.until("test/web", ({ revisions }) => Object.keys(revisions).length === 0);
  expect([await slow, (await host.client.metrics()).match(/^sluice_host_cut_requests_total{.*/m)?.[0]]).toEqual([
    503,
    'sluice_host_cut_requests_total{service="test/web",revision="v1"} 1',
  ]);
});

test("a public port that another program has is refused in one sentence, and nothing changes", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const v1 = revision(host, { version: "one" });
  const put = host.client.put("test/web", desired(1, { v1 }, { entry: { environment: "test", port } }));
  await expect(put).rejects.toThrow(
    `port ${port} on 127.0.0.1 cannot be used for the public port of test: another program listens on it`,
  );
  expect(await host.client.services()).toEqual([]);
  await host.client.put("test/web", desired(2, {}, { entry: { environment: "test", port } })); // to go away it needs none
  other.close();
});

test("a service is replaced in one document without a moment when nothing is ready", async () => {
  const { entryPort } = await runningOne();
  const late = revision(host, { version: "two", env: { START_MS: "500" } });
  await host.client.put("test/web", desired(2, { v2: late }));
  const answers = new Set<string>();
  while (!answers.has("two")) answers.add(await text(entryPort));
  await host.until("test/web", ({ revisions }) => Object.keys(revisions).join() === "v2");
  expect([...answers]).toEqual(["one", "two"]);
});

test("a removed service is drained, stopped and forgotten, and a late command does not bring it back", async () => {
  const seen = await runningOne();
  await host.client.remove("test/web", fence(3));
  await untilGone(seen.revisions.v1?.replicas[0]?.pid ?? 0);
  for (let i = 0; i < 100 && (await host.client.get("test/web")) !== undefined; i++) await pause(20);
  expect(await host.client.get("test/web")).toBeUndefined();
  await expect(host.client.put("test/web", desired(2, {}))).rejects.toThrow("command 2 came after 3");
});

test("a job runs once under its key, and its result can be asked for again", async () => {
  const job = { key: "d1/smoke/1", folder: host.folder, env: {}, timeoutMs: 10_000 };
  const command = ["sh", "-c", "echo ran; echo $$; exit 4"];
  const first = await host.client.runJob({ ...job, command });
  const second = await host.client.runJob({ ...job, command: ["sh", "-c", "echo not this"] });
  expect([first.exitCode, first.lines[0], second.lines]).toEqual([4, "ran", first.lines]);
  expect(first.because).toMatch(/^exited with code 4 after/);
});

test("a job that runs too long is ended, and says so", async () => {
  const command = ["sh", "-c", "echo begun; sleep 60"];
  const { because, lines } = await host.client.runJob({
    key: "long",
    folder: host.folder,
    command,
    env: {},
    timeoutMs: 300,
  });
  expect([because, lines]).toEqual(["killed: ran longer than 0.3 s", ["begun"]]);
});

test("a second host on the same folder is refused in one sentence; `startHost` finds the first", async () => {
  const { supervisor } = await host.pids();
  const { spawnSync } = await import("node:child_process");
  const second = spawnSync(process.execPath, [join(host.programs, "supervisor.js"), host.dataFolder], {
    encoding: "utf8",
  });
  expect([second.status, second.stdout.split(": ").slice(1).join(": ")]).toEqual([
    1,
    `a host already runs on this data folder (pid ${supervisor}, lock ${hostPaths(host.dataFolder).lock}). Use that one, stop it with \`sluice down\`, or choose another data folder.\n`,
  ]);
  const again = await startHost({ dataFolder: host.dataFolder, programs: host.programs });
  expect((await again.health()).pid).toBe(supervisor);
});

test("state and sockets are for this user only", async () => {
  await runningOne();
  const { statSync } = await import("node:fs");
  const paths = hostPaths(host.dataFolder);
  const files = [paths.state, paths.table, paths.controlSocket, paths.routerSocket, paths.log];
  expect(files.map((file) => statSync(file).mode & 0o777)).toEqual(files.map(() => 0o600));
  expect(readFileSync(paths.log, "utf8")).not.toContain("VERSION");
});

test("a replica that uses more memory than it may is killed, and the reason says so", async () => {
  const spec = { command: ["node", "-e", "const kept = []; for (;;) kept.push(Buffer.alloc(1e7, 1))"], memoryMiB: 64 };
  await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one", spec }) }));
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.broken !== undefined);
  expect(seen.revisions.v1?.broken).toMatch(/last: killed: used more than 64 MiB after \d/);
});

test("a health answer that lists its parts is shown part by part", async () => {
  const checks = { database: { status: "healthy" }, cache: { status: "degraded", message: "slow" } };
  await runningOne({ version: "one", env: { HEALTH: JSON.stringify({ status: "healthy", checks }) } });
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.replicas[0]?.health !== undefined);
  expect(seen.revisions.v1?.replicas[0]?.health).toEqual({
    status: "degraded",
    parts: [
      { name: "database", status: "healthy" },
      { name: "cache", status: "degraded", note: "slow" },
    ],
  });
});
