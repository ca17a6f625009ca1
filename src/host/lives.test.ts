// What users of the services notice when the host's own processes, or replicas, are killed: nothing.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { failed, type Load, openLoop, unexplained } from "../testing/open-loop.ts";
import { desired, kill, pause, type RealHost, realHost, revision, untilGone } from "../testing/real-host.ts";
import { hostPaths } from "./paths.ts";
import { identify } from "./replica/process-identity.ts";
import { startHost } from "./start.ts";

let host: RealHost;
let load: Load | undefined;
beforeEach(async () => {
  host = await realHost();
});
afterEach(async () => {
  await load?.stop();
  load = undefined;
  await host.stop();
});

const replicasOf = async () => (await host.client.get("test/web"))?.revisions.v1?.replicas.map(({ pid }) => pid);

/** Two replicas under load. */
async function serving(): Promise<readonly (number | undefined)[] | undefined> {
  await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one", replicas: 2 }) }));
  const { entryPort } = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2 && v1.weight === 100);
  load = openLoop({ url: `http://127.0.0.1:${entryPort}/`, perSecond: 100 });
  await pause(300);
  return replicasOf();
}

/** Failures of all that was sent but for what was in flight at a kill. */
async function lost(killsMs: readonly number[] = []) {
  const sent = (await load?.stop()) ?? [];
  expect(sent.length).toBeGreaterThan(30);
  return unexplained(sent, killsMs);
}

/** Waits until both processes answer again, and one of them is another than before. */
async function recovered(before: { supervisor: number; router: number }): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const health = await host.client.health().catch(() => undefined);
    if (health?.router.answers && (health.pid !== before.supervisor || health.router.pid !== before.router)) return;
    await pause(20);
  }
  throw new Error("the host did not recover");
}

test("a supervisor that is killed comes back, adopts the replicas, and no request fails", async () => {
  const before = await serving();
  const pids = await host.pids();
  kill(pids.supervisor, "SIGKILL");
  await recovered(pids);
  expect(await replicasOf()).toEqual(before);
  expect((await host.client.health()).adopted).toBe(2);
  expect((await host.pids()).router).toBe(pids.router);
  expect(await lost()).toEqual([]);
});

test("a router that is killed comes back; only what it had in flight is lost", async () => {
  await serving();
  const pids = await host.pids();
  const killedMs = Date.now();
  kill(pids.router, "SIGKILL");
  await recovered(pids);
  await pause(300);
  expect(await lost([killedMs])).toEqual([]);
});

test("killed one after the other, twice, the pair goes on", async () => {
  const before = await serving();
  const killsMs: number[] = [];
  for (const role of ["supervisor", "router", "router", "supervisor"] as const) {
    const pids = await host.pids();
    killsMs.push(Date.now());
    kill(pids[role], "SIGKILL");
    await recovered(pids);
  }
  expect(await replicasOf()).toEqual(before);
  expect(await lost(killsMs)).toEqual([]);
});

test("a listener opened after a takeover outlives the next one", async () => {
  await serving();
  for (const [seq, role] of (["supervisor", "router", "supervisor"] as const).entries()) {
    const pids = await host.pids();
    kill(pids[role], "SIGKILL");
    await recovered(pids);
    const key = `test/late${seq}`;
    const more = { ingress: [], entry: { environment: `e${seq}`, port: 0 } };
    await host.client.put(key, desired(1, { l: revision(host, { version: key }) }, more));
    const { internalPort } = await host.until(key, ({ revisions: { l } }) => l?.ready === 1 && l.weight === 100);
    expect(await (await fetch(`http://127.0.0.1:${internalPort}/`)).text()).toBe(key);
  }
});

test("both killed at once: their keeper starts them again with the sockets, and no connection is refused", async () => {
  const before = await serving();
  const pids = await host.pids();
  const killedMs = Date.now();
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of Object.values(pids)) kill(pid, signal);
  await Promise.all(Object.values(pids).map(untilGone));
  await recovered(pids);
  const { adopted, keeper } = await host.client.health();
  expect([adopted, await replicasOf(), keeper === undefined]).toEqual([2, before, false]);
  expect(await lost([killedMs])).toEqual([]);
});

test("a keeper that is killed is replaced, and the new one does its work", async () => {
  await serving();
  const { keeper = 0 } = await host.client.health();
  kill(keeper, "SIGKILL");
  await untilGone(keeper);
  for (let i = 0; i < 500 && (await host.client.health()).keeper === undefined; i++) await pause(20);
  const pids = await host.pids();
  const killedMs = Date.now();
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of Object.values(pids)) kill(pid, signal);
  await recovered(pids);
  expect(await lost([killedMs])).toEqual([]);
});

test("the keeper is killed, too: the replicas go on, and the next start adopts them under the same ports", async () => {
  const before = await serving();
  await load?.stop();
  const seen = await host.client.get("test/web");
  await host.killAll();
  const client = await startHost({ dataFolder: host.dataFolder, programs: host.programs });
  expect([(await client.health()).adopted, await replicasOf()]).toEqual([2, before]);
  expect((await host.client.get("test/web"))?.entryPort).toBe(seen?.entryPort);
  expect(await (await fetch(`http://127.0.0.1:${seen?.entryPort}/`)).text()).toBe("one");
});

test("a host that was stopped as asked is started by nobody", async () => {
  await serving();
  await load?.stop();
  const { keeper = 0 } = await host.client.health();
  await host.client.stop();
  await untilGone(keeper);
  await expect(host.client.health()).rejects.toThrow();
});

test("a replica that died while no host ran is found out and restarted", async () => {
  const before = await serving();
  await load?.stop();
  await host.killAll();
  process.kill(-(before?.[0] ?? 0), "SIGKILL");
  await untilGone(before?.[0] ?? 0);
  await startHost({ dataFolder: host.dataFolder, programs: host.programs });
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
  expect(seen.revisions.v1?.replicas.map(({ restarts }) => restarts)).toEqual([1, 0]);
});

test("a pid that was given out again is not taken for the replica, and its new owner is left alone", async () => {
  const before = await serving();
  await load?.stop();
  await host.killAll();
  process.kill(-(before?.[0] ?? 0), "SIGKILL");
  // The state names this test's own process by the replica's start time: as the kernel does when it reuses a pid.
  const { state: file } = hostPaths(host.dataFolder);
  const state = JSON.parse(readFileSync(file, "utf8"));
  state.replicas[0].run.process.pid = process.pid;
  writeFileSync(file, JSON.stringify(state));
  await startHost({ dataFolder: host.dataFolder, programs: host.programs });
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
  expect(seen.revisions.v1?.replicas[0]?.pid).not.toBe(process.pid);
});

test("a replica that was started and never written down is ended at the next start", async () => {
  const before = await serving();
  await load?.stop();
  await host.killAll();
  const { state: file } = hostPaths(host.dataFolder);
  const state = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...state, replicas: state.replicas.slice(1) }));
  await startHost({ dataFolder: host.dataFolder, programs: host.programs });
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
  expect([identify(before?.[0] ?? 0), seen.revisions.v1?.replicas.map(({ pid }) => pid).includes(before?.[1])]).toEqual(
    [undefined, true],
  );
});

test("a lock left by a power cut holds nobody up", async () => {
  await host.client.stop();
  writeFileSync(hostPaths(host.dataFolder).lock, JSON.stringify({ pid: process.pid, start: "another boot:1" }));
  const client = await startHost({ dataFolder: host.dataFolder, programs: host.programs });
  expect((await client.health()).services).toEqual([]);
});

test("a replica that is killed under load costs no request that may be sent again", async () => {
  const before = await serving();
  process.kill(-(before?.[0] ?? 0), "SIGKILL");
  await host.until("test/web", ({ revisions: { v1 } }) => v1?.replicas[0]?.restarts === 1 && v1.ready === 2);
  expect(await lost()).toEqual([]);
});

test("a shim that is killed leaves its replica serving until that is stopped", async () => {
  const before = await serving();
  kill(before?.[0] ?? 0, "SIGKILL");
  await pause(500);
  expect(await replicasOf()).toEqual(before);
  await host.client.put("test/web", desired(2, { v1: revision(host, { version: "one", replicas: 1 }) }));
  const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.replicas.length === 1);
  expect(seen.revisions.v1?.ready).toBe(1);
  expect(await lost()).toEqual([]);
});

test("grow, shift and shrink through a whole release and back, and no request fails", async () => {
  await serving();
  const one = (replicas: number, weight: number) => revision(host, { version: "one", replicas, weight });
  const two = (replicas: number, weight: number) => revision(host, { version: "two", replicas, weight });
  const frames = [
    { v1: one(2, 100), v2: two(1, 0) },
    { v1: one(2, 90), v2: two(1, 10) },
    { v1: one(2, 90), v2: two(2, 10) },
    { v1: one(2, 0), v2: two(2, 100) },
    { v2: two(2, 100) },
    { v1: one(2, 0), v2: two(2, 100) },
    { v1: one(2, 100), v2: two(2, 0) },
    { v1: one(2, 100) },
  ];
  for (const [i, frame] of frames.entries()) {
    await host.client.put("test/web", desired(i + 2, frame));
    await host.until("test/web", ({ revisions }) =>
      Object.entries(frame).every(
        ([name, { replicas, weight }]) => revisions[name]?.ready === replicas && revisions[name].weight === weight,
      ),
    );
  }
  await host.until("test/web", ({ revisions }) => Object.keys(revisions).join() === "v1");
  const sent = (await load?.stop()) ?? [];
  expect(unexplained(sent, [])).toEqual([]);
  expect(new Set(sent.map(({ body }) => body))).toEqual(new Set(["one", "two"]));
});

test("the host is upgraded twice under load: both processes are new, the replicas are the same, and no request fails", async () => {
  const before = await serving();
  const kept = openLoop({ url: load?.url ?? "", perSecond: 50, keepAlive: true });
  const pids = await host.pids();
  await host.client.upgrade(host.programs);
  await host.client.upgrade(host.programs); // now the supervisor is its router's child
  const after = await host.pids();
  await pause(300);
  expect([after.supervisor !== pids.supervisor, after.router !== pids.router]).toEqual([true, true]);
  expect(await replicasOf()).toEqual(before);
  expect([await lost(), failed(await kept.stop())]).toEqual([[], []]);
  expect([pids.supervisor, pids.router].map(identify)).toEqual([undefined, undefined]);
});

test("requests that wait at a switch while the host is upgraded are served by what becomes ready", async () => {
  await serving();
  await host.client.put("test/web", desired(2, {}));
  await host.until("test/web", ({ revisions }) => Object.keys(revisions).length === 0);
  const upgrading = host.client.upgrade(host.programs);
  await pause(1_000);
  await host.client.put("test/web", desired(3, { v2: revision(host, { version: "two" }) })).catch(() => {});
  await upgrading;
  await host.client.put("test/web", desired(3, { v2: revision(host, { version: "two" }) }));
  await host.until("test/web", ({ revisions: { v2 } }) => v2?.ready === 1);
  expect(await lost()).toEqual([]);
});

test("an upgrade to programs that do not start changes nothing", async () => {
  await serving();
  const pids = await host.pids();
  const broken = join(host.dataFolder, "broken");
  mkdirSync(broken);
  writeFileSync(join(broken, "package.json"), '{"type":"module","version":"9.9.9"}');
  writeFileSync(join(broken, "supervisor.js"), "console.log('9.9.9')");
  writeFileSync(join(broken, "router.js"), "throw new Error('no')");
  await expect(host.client.upgrade(broken)).rejects.toThrow(
    "the host stays as it is: the successor ended: exit code 1",
  );
  expect(await host.pids()).toEqual(pids);
  expect(await lost()).toEqual([]);
});
