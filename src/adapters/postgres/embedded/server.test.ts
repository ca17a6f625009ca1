import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, type TestContext, test } from "vitest";
import { firstBreak } from "../../../domain/chain.ts";
import { Problem, Temporary } from "../../../domain/problem.ts";
import { requestedFact } from "../../../testing/postgres.ts";
import { openStore } from "../store.ts";
import { binaries, nativeFolder } from "./binaries.ts";
import { startEmbedded, stopEmbedded } from "./server.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "sluice-embedded-"));
});
afterEach(async () => {
  await stopEmbedded(data);
  rmSync(data, { recursive: true });
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

test("it is started once, found again, and comes back at the same address after it was stopped", async () => {
  const first = await startEmbedded(data);
  expect(await startEmbedded(data)).toEqual({ ...first, isStarted: false });
  await stopEmbedded(data);
  const again = await startEmbedded(data);
  expect(again).toMatchObject({ url: first.url, isStarted: true });
  expect(again.pid).not.toBe(first.pid);
});

test("its password is readable by nobody else", async () => {
  await startEmbedded(data);
  expect(statSync(join(data, "postgres", "password")).mode & 0o777).toBe(0o600);
  expect(statSync(join(data, "postgres", "data")).mode & 0o777).toBe(0o700);
});

test("of two who start it at once, both get the one server", async () => {
  const [one, two] = await Promise.all([startEmbedded(data), startEmbedded(data)]);
  expect(one.pid).toBe(two.pid);
});

test("a server that is killed midway comes back by itself, with every fact that was confirmed and an unbroken chain", async () => {
  const { url, pid } = await startEmbedded(data);
  const store = await openStore({ url, workspace: "w", onUnreachable: async () => void (await startEmbedded(data)) });
  await store.journal.append("d", 0, requestedFact("production"));
  const claim = await store.claims.claim("worker", 60_000);
  await store.waitForWork(1);
  let [confirmed, wasAway, position] = [1, false, 1];
  for (const until = Date.now() + 30_000; Date.now() < until && !(wasAway && confirmed > 60); ) {
    if (confirmed === 30 && !wasAway) process.kill(pid, "SIGKILL");
    try {
      const event = await store.journal.append("d", position, { kind: "paused", by: `${position}` });
      if (event !== undefined) confirmed++;
      position = (await store.journal.read("d")).length;
    } catch (error) {
      expect(error).toBeInstanceOf(Temporary);
      wasAway = true;
      await sleep(50);
    }
  }
  const events = await store.journal.read("d");
  expect(wasAway).toBe(true);
  expect(confirmed).toBeGreaterThan(60);
  expect(events.length).toBeGreaterThanOrEqual(confirmed);
  expect(firstBreak(events, sha256)).toBeUndefined();

  if (claim !== undefined) await store.claims.release(claim, undefined);
  while ((await store.claims.claim("worker", 60_000)) === undefined) await store.waitForWork(10);
  const woken = store.waitForWork(60_000);
  await store.journal.append("e", 0, requestedFact("staging"));
  await woken;
  await store.close();
});

test("a lock that a power cut left, whose pid is somebody else's now, holds nothing up", async () => {
  const { pid } = await startEmbedded(data);
  const lock = join(data, "postgres", "data", "postmaster.pid");
  const left = readFileSync(lock, "utf8");
  process.kill(pid, "SIGKILL");
  while (isAlive(pid)) await sleep(10);
  writeFileSync(lock, left.replace(/^\d+/, String(process.pid)));
  expect((await startEmbedded(data)).isStarted).toBe(true);
});

test("what a power cut left of a first start is swept away", async () => {
  mkdirSync(join(data, "postgres", "data.new-999999999", "base"), { recursive: true });
  await startEmbedded(data);
  expect(readdirSync(join(data, "postgres")).filter((name) => name.startsWith("data"))).toEqual(["data"]);
});

test("another program on its port moves it to the next one", async () => {
  const { port } = await startEmbedded(data);
  await stopEmbedded(data);
  const squatter = createServer().listen(port, "127.0.0.1");
  const moved = await startEmbedded(data);
  expect(moved.port).not.toBe(port);
  squatter.close();
});

test("it runs from a package whose links npm did not make", () => {
  const bare = join(data, "package", "native");
  cpSync(nativeFolder(), bare, { recursive: true, filter: (from) => !isLink(from) });
  const { postgres, env } = binaries(bare, join(data, "lib"));
  const run = (extra: Record<string, string>) => spawnSync(postgres, ["--version"], { env: extra, encoding: "utf8" });
  expect(run({}).status).not.toBe(0);
  expect(run({ ...env }).stdout).toMatch(/^postgres \(PostgreSQL\) \d+/);
  expect(readdirSync(join(bare, "lib")).filter((name) => isLink(join(bare, "lib", name)))).toEqual([]);
});

function isLink(path: string): boolean {
  return spawnSync("test", ["-L", path]).status === 0;
}

test("a full disk is told in one sentence", async (context) => {
  const folder = smallDisk(context, 12);
  try {
    const failed = await startEmbedded(folder).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Problem);
    expect(String(failed)).toContain(`no space is left on the disk that holds ${folder}/postgres/data`);
  } finally {
    await stopEmbedded(folder);
    spawnSync("umount", ["-l", folder]);
  }
});

test("a disk that fills up midway makes the journal wait, and loses nothing", async (context) => {
  const folder = smallDisk(context, 100);
  try {
    const { url } = await startEmbedded(folder);
    const store = await openStore({
      url,
      workspace: "w",
      onUnreachable: async () => void (await startEmbedded(folder)),
    });
    await store.journal.append("d", 0, requestedFact("production"));
    spawnSync("dd", ["if=/dev/zero", `of=${folder}/ballast`, "bs=64k"]);
    let [position, refused]: [number, unknown] = [1, undefined];
    for (let i = 0; i < 500 && refused === undefined; i++) {
      const long = { kind: "paused", by: "Ana", reason: randomText(20_000) } as const;
      refused = await store.journal.append("d", position, long).then(
        (event) => void (event !== undefined && position++),
        (error: unknown) => error,
      );
    }
    expect(refused).toBeInstanceOf(Temporary);
    rmSync(join(folder, "ballast"));
    let next: unknown;
    for (const until = Date.now() + 30_000; next === undefined && Date.now() < until; await sleep(100)) {
      position = await store.journal.read("d").then(
        (events) => events.length,
        () => position,
      );
      next = await store.journal.append("d", position, { kind: "unpaused", by: "Ana" }).catch(() => undefined);
    }
    const events = await store.journal.read("d");
    expect(events.at(-1)?.fact.kind).toBe("unpaused");
    expect(firstBreak(events, sha256)).toBeUndefined();
    await store.close();
  } finally {
    await stopEmbedded(folder);
    spawnSync("umount", ["-l", folder]);
  }
});

function smallDisk(context: TestContext, sizeMiB: number): string {
  const folder = join(data, "small");
  mkdirSync(folder);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs", folder]);
  if (mounted.status !== 0) context.skip("a small disk cannot be mounted here: this needs root on Linux");
  return folder;
}

/** Compression would make room. */
function randomText(length: number): string {
  return Array.from({ length }, () => String.fromCharCode(33 + Math.floor(Math.random() * 90))).join("");
}

test("a database that cannot be used at the start is told in one sentence, without its password", async () => {
  const { url } = await startEmbedded(data);
  const told = (change: (url: URL) => void) => {
    const wrong = new URL(url);
    change(wrong);
    return openStore({ url: wrong.href, workspace: "w" }).catch((error: unknown) => String(error));
  };
  const port = new URL(url).port;
  expect([
    await told((wrong) => {
      wrong.port = "9";
    }),
    await told((wrong) => {
      wrong.password = "guess";
    }),
    await told((wrong) => {
      wrong.pathname = "/nowhere";
    }),
  ]).toEqual([
    "Problem: the PostgreSQL at 127.0.0.1:9 does not answer (connect ECONNREFUSED 127.0.0.1:9)",
    `Problem: the PostgreSQL at 127.0.0.1:${port} does not let sluice in`,
    `Problem: the PostgreSQL at 127.0.0.1:${port} has no database "nowhere"`,
  ]);
});
