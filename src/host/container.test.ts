// One life, on processes and on containers: whoever reads what is seen cannot tell them apart. Containers need Linux, root, and
// runc or crun; where one is lacking they are skipped in one line.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { layPrograms, tarOf, writeLayout } from "../testing/image.ts";
import { failed, openLoop } from "../testing/open-loop.ts";
import { desired, kill, pause, type RealHost, realHost, revision, service, untilGone } from "../testing/real-host.ts";
import { imageIn } from "../workspace/image/image.ts";
import type { ReplicaSpec } from "./api.ts";
import { hostPaths } from "./paths.ts";
import { whyNotContained } from "./replica/container.ts";

const root = mkdtempSync(join(tmpdir(), "sluice-containers-"));
const impossible = whyNotContained(undefined) ?? whyNoImage();
if (impossible !== undefined) console.log(`the tests of containers are skipped: ${impossible}`);

/** Of this machine's own node and sh, with the small service of the tests. */
function whyNoImage(): string | undefined {
  try {
    const files = join(root, "files");
    layPrograms(files, { "usr/bin/node": process.execPath, "bin/sh": "/bin/sh", "bin/sleep": "/bin/sleep" });
    mkdirSync(join(files, "etc"));
    writeFileSync(join(files, "etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:4711:4711::/:/bin/sh\n");
    mkdirSync(join(files, "service"));
    chmodSync(join(files, "service"), 0o777);
    writeFileSync(join(files, "service/server.cjs"), service);
    const config = { Cmd: ["node", "server.cjs"], WorkingDir: "/service", User: "app", Env: ["PATH=/usr/bin:/bin"] };
    writeLayout(join(root, "layout"), { layers: [tarOf(files)], config, isPacked: false });
    rmSync(files, { recursive: true });
    return undefined;
  } catch (error) {
    return `no image can be made of this machine's node: ${error instanceof Error ? error.message : error}`;
  }
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

const kinds = ["a process", "a container"] as const;

describe.each(kinds)("a replica that is %s", (kind) => {
  const isContainer = kind === "a container";
  const it = test.skipIf(isContainer && impossible !== undefined);
  let host: RealHost;
  let spec: Partial<ReplicaSpec>;
  let key = "";
  let services = 0;

  beforeAll(async () => {
    host = await realHost();
    const image = isContainer && impossible === undefined ? await imageIn(root, join(root, "layout")) : undefined;
    spec = image === undefined ? {} : { user: `${image.uid}:${image.gid}`, container: image, env: image.env };
  });
  beforeEach(() => {
    services += 1;
    key = `test/web-${services}`;
  });
  afterEach(async () => {
    if ((await host.client.services()).includes(key)) await removed();
  });
  afterAll(() => host?.stop());

  function of(version: string, more: Parameters<typeof revision>[1] | object = {}) {
    const options = { version, ...more } as Parameters<typeof revision>[1];
    const made = revision(host, { ...options, spec: { ...spec, ...options.spec } });
    return { ...made, spec: { ...made.spec, env: { VERSION: version, ...spec.env, ...options.env } } };
  }

  async function running(options: Parameters<typeof of>[1] = {}) {
    const v1 = of("one", options);
    await host.client.put(key, desired(1, { v1 }));
    return host.until(key, ({ revisions }) => revisions.v1?.ready === v1.replicas && revisions.v1.weight === 100);
  }

  async function removed(): Promise<void> {
    await host.client.put(key, desired(2, {}));
    await host.until(key, ({ revisions }) => Object.keys(revisions).length === 0);
  }

  /** Nothing of a run is left: no process, no folder, no control group, no mount. */
  async function nothingLeft(pids: readonly number[]): Promise<void> {
    await Promise.all(pids.map(untilGone));
    expect(readdirSync(hostPaths(host.dataFolder).runs)).toEqual([]);
    const mounts = existsSync("/proc/mounts") ? readFileSync("/proc/mounts", "utf8") : "";
    expect(mounts).not.toContain(host.dataFolder);
    expect(processesOf(host.dataFolder)).toEqual([]);
  }

  it("is ready, answers, has its own environment and PORT and nothing of the host's", async () => {
    const { internalPort, revisions } = await running({ env: { COLOUR: "green" } });
    const seen: Record<string, string> = await (await fetch(`http://127.0.0.1:${internalPort}/env`)).json();
    expect([seen.COLOUR, seen.PORT]).toEqual(["green", String(revisions.v1?.replicas[0]?.port)]);
    const { PATH, HOME, USER, PWD, LANG, LC_ALL, TZ, TMPDIR, OLDPWD, SHLVL, SLUICE_RUN, _, LOGNAME, ...rest } = seen;
    expect(Object.keys(rest).toSorted()).toEqual(["COLOUR", "PORT", "VERSION"]);
  });

  it("is stopped by SIGTERM, and leaves nothing", async () => {
    const { revisions } = await running();
    const pid = revisions.v1?.replicas[0]?.pid ?? 0;
    const [log] = await host.client.logs({ service: key });
    expect(log?.lines).toEqual(["listening one"]);
    await removed();
    await nothingLeft([pid]);
  });

  it("that ignores SIGTERM is killed after its grace, with all that it started", async () => {
    const { revisions } = await running({ env: { IGNORE_TERM: "1", GRANDCHILD: "1" }, spec: { graceMs: 300 } });
    await removed();
    await nothingLeft([revisions.v1?.replicas[0]?.pid ?? 0]);
  });

  it("that exits says with which code, and is a crash loop after three times", async () => {
    await host.client.put(key, desired(1, { v1: of("one", { env: { EXIT_AT_ONCE: "7" } }) }));
    const seen = await host.until(key, ({ revisions: { v1 } }) => v1?.broken !== undefined);
    expect(seen.revisions.v1?.broken).toMatch(/^crash loop: ended 3 times, last: exited with code 7 after \d\.\d s$/);
  });

  it("that uses more memory than it may is killed, and the reason says so", async () => {
    const command = ["node", "-e", "const kept = []; for (;;) kept.push(Buffer.alloc(1e7, 1))"];
    await host.client.put(key, desired(1, { v1: of("one", { spec: { command, memoryMiB: 64 } }) }));
    const seen = await host.until(key, ({ revisions: { v1 } }) => v1?.broken !== undefined);
    expect(seen.revisions.v1?.broken).toMatch(/last: killed: used more than 64 MiB after \d/);
  });

  it("tells what memory it uses, and answers a health command from where it runs", async () => {
    const question = {
      kind: "command",
      command: ["sh", "-c", `test "$COLOUR" = green && test -e server.cjs`],
    } as const;
    const readiness = { ...question, intervalMs: 100, timeoutMs: 5_000, healthyThreshold: 1, unhealthyThreshold: 2 };
    await running({ env: { COLOUR: "green" }, spec: { readiness, memoryMiB: 256 } });
    const isUsed = (mib: number | undefined) => mib !== undefined && mib > 20;
    await host.until(key, ({ revisions: { v1 } }) => isUsed(v1?.replicas[0]?.usage?.memoryMiB));
  });

  it("serves on while the supervisor is killed, and is adopted", async () => {
    const before = await running({ replicas: 2 });
    const load = openLoop({ url: `http://127.0.0.1:${before.internalPort}/`, perSecond: 50 });
    const { supervisor } = await host.pids();
    kill(supervisor, "SIGKILL");
    await untilGone(supervisor);
    await host.until(key, ({ revisions: { v1 } }) => v1?.ready === 2);
    await pause(500);
    expect(failed(await load.stop())).toEqual([]);
    const pidsOf = (seen: typeof before) => seen.revisions.v1?.replicas.map(({ pid }) => pid);
    expect(pidsOf(await host.until(key, () => true))).toEqual(pidsOf(before));
    expect((await host.client.health()).adopted).toBe(2);
  });

  it("whose shim and all with it is killed is started again, and the old one is gone", async () => {
    const before = await running();
    const pid = before.revisions.v1?.replicas[0]?.pid ?? 0;
    process.kill(-pid, "SIGKILL");
    await host.until(key, ({ revisions: { v1 } }) => v1?.replicas[0]?.restarts === 1 && v1.ready === 1);
    expect(readdirSync(hostPaths(host.dataFolder).runs)).toHaveLength(1);
    await removed();
    await nothingLeft([pid]);
  });

  it("has jobs that run where it runs: their output, their exit code, their end when they take too long", async () => {
    const { spec: place } = of("one");
    const { folder, env, user, container } = place;
    const where = { folder, env, ...(user && { user }), ...(container && { container }) };
    const job = { ...where, key: "j1", command: ["sh", "-c", "echo ran as $VERSION; exit 4"], timeoutMs: 20_000 };
    expect(await host.client.runJob(job)).toMatchObject({ exitCode: 4, lines: ["ran as one"] });
    const long = { ...job, key: "j2", command: ["sh", "-c", "echo begun; sleep 60"], timeoutMs: 1_500 };
    expect(await host.client.runJob(long)).toMatchObject({
      because: "killed: ran longer than 1.5 s",
      lines: ["begun"],
    });
    await nothingLeft([]);
  });

  it("is ended when the host was killed before it was written down", async () => {
    const { revisions } = await running();
    await host.killAll();
    const { state } = hostPaths(host.dataFolder);
    const kept = JSON.parse(readFileSync(state, "utf8"));
    writeFileSync(state, JSON.stringify({ ...kept, replicas: [], services: {} }));
    host = await realHost({ dataFolder: host.dataFolder });
    await nothingLeft([revisions.v1?.replicas[0]?.pid ?? 0]);
  });
});

test.skipIf(impossible !== undefined)(
  "a container has its image's user, its own files and process ids, and few rights",
  async () => {
    const host = await realHost();
    const image = await imageIn(root, join(root, "layout"));
    if (image === undefined) throw new Error("no image");
    const look = `
    const { readdirSync, readFileSync, writeFileSync, existsSync } = require("node:fs");
    writeFileSync("/service/mine", "x");
    const rights = /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
    console.log(JSON.stringify({ uid: process.getuid(), pid: process.pid, rights, sees: readdirSync("/proc").filter((name) => name > 0).length, data: existsSync(process.argv[1]) }));`;
    const ran = await host.client.runJob({
      ...{ key: "look", folder: host.folder, env: image.env, user: `${image.uid}:${image.gid}`, container: image },
      ...{ command: ["node", "-e", look, host.dataFolder], timeoutMs: 20_000 },
    });
    expect(JSON.parse(ran.lines[0] ?? "null")).toEqual({
      uid: 4711,
      pid: 1,
      rights: "0000000000000000",
      sees: 1,
      data: false,
    });
    expect(existsSync(join(image.rootfs, "service/mine"))).toBe(false);
    await host.stop();
  },
);

/** Whose command line names the folder, but for the host's own. */
function processesOf(folder: string): readonly string[] {
  const lines = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes(join(folder, "host/runs")) || line.includes(join(folder, "host/jobs")));
}
