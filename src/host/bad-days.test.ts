// Days on which the machine itself misbehaves.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepHost } from "../compose/machine-host.ts";
import { failed, openLoop } from "../testing/open-loop.ts";
import { desired, pause, realHost, revision, untilGone } from "../testing/real-host.ts";
import { hostClient } from "./client.ts";
import { startHost } from "./start.ts";

const small = mkdtempSync(join(tmpdir(), "sluice-small-disk-"));
const hasSmallDisk = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "sluice-test", small]).status === 0;
if (hasSmallDisk) spawnSync("umount", [small]);

test.skipIf(!hasSmallDisk)(
  "on a full disk documents are refused in one sentence and traffic still leaves what fails (skipped where no file system may be mounted)",
  async () => {
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "sluice-test", small]);
    const host = await realHost({ dataFolder: join(small, "data") });
    try {
      const v1 = revision(host, { version: "one", replicas: 2 });
      await host.client.put("test/web", desired(1, { v1 }));
      const seen = await host.until("test/web", ({ revisions }) => revisions.v1?.ready === 2);
      spawnSync("sh", ["-c", `head -c 4m /dev/zero > ${join(small, "filler")}`]);
      await expect(host.client.put("test/web", desired(2, { v1 }))).rejects.toThrow(
        /^no space is left for .*state\.json$/,
      );
      process.kill(-(seen.revisions.v1?.replicas[0]?.pid ?? 0), "SIGKILL");
      await host.until("test/web", ({ revisions }) => revisions.v1?.ready === 1);
      for (let i = 0; i < 10; i++)
        expect(await (await fetch(`http://127.0.0.1:${seen.entryPort}/`)).text()).toBe("one");
      rmSync(join(small, "filler"));
      await host.until("test/web", ({ revisions }) => revisions.v1?.ready === 2);
    } finally {
      await host.stop();
      spawnSync("umount", ["-l", small]);
      rmSync(small, { recursive: true, force: true });
    }
  },
);

test("a replica whose port somebody takes while it restarts comes back on another one, and nobody notices", async () => {
  const host = await realHost();
  const taker = createServer();
  try {
    await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one", replicas: 2 }) }));
    const seen = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
    const [before] = seen.revisions.v1?.replicas ?? [];
    const load = openLoop({ url: `http://127.0.0.1:${seen.entryPort}/`, perSecond: 50 });
    process.kill(-(before?.pid ?? 0), "SIGKILL");
    await host.until("test/web", ({ revisions: { v1 } }) => v1?.replicas[0]?.state !== "ready");
    await new Promise<void>((taken) => taker.listen(before?.port, "127.0.0.1", taken));
    const after = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 2);
    expect(after.revisions.v1?.replicas.map(({ port }) => port)).not.toContain(before?.port);
    await pause(300);
    expect(failed(await load.stop())).toEqual([]);
  } finally {
    taker.close();
    await host.stop();
  }
});

test("a watchman starts the host again when all its processes are gone, and stops everything with itself", async () => {
  const host = await realHost();
  await host.client.put("test/web", desired(1, { v1: revision(host, { version: "one" }) }));
  const { revisions } = await host.until("test/web", ({ revisions: { v1 } }) => v1?.ready === 1);
  const replica = revisions.v1?.replicas[0]?.pid ?? 0;
  await host.killAll();
  const ending = new AbortController();
  const said: string[] = [];
  const { dataFolder, programs } = host;
  const kept = keepHost({ dataFolder, programs, signal: ending.signal, say: (line) => void said.push(line) });
  while (said.length === 0) await pause(20);
  expect(said[0]).toMatch(/^The host runs \(pid \d+\) and took over 1 replicas$/);
  ending.abort();
  await kept;
  await untilGone(replica);
  await expect(hostClient(dataFolder).health()).rejects.toThrow();
  await host.stop();
});

test("half a state file, as a crash of the disk may leave it, is named in one sentence", async () => {
  const host = await realHost();
  await host.client.stop();
  mkdirSync(join(host.dataFolder, "host"), { recursive: true });
  writeFileSync(join(host.dataFolder, "host/state.json"), '{"schema":1,');
  const again = startHost({ dataFolder: host.dataFolder, programs: host.programs });
  await expect(again).rejects.toThrow(/the host did not start: .*state\.json is damaged/);
  rmSync(join(host.dataFolder, "host/state.json"));
  await host.stop();
});
