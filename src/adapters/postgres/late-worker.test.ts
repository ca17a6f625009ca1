// A worker of another process that is stopped past its lease and wakes late: it must notice, and do no harm.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { embeddedPostgres, requestedFact } from "../../testing/postgres.ts";
import { openStore } from "./store.ts";

const server = embeddedPostgres();
const folder = mkdtempSync(join(tmpdir(), "sluice-worker-"));
const program = join(folder, "worker.cjs");
let child: ChildProcess | undefined;

beforeAll(async () => {
  await build({
    stdin: {
      contents: `
        import { openStore } from "./store.ts";
        const store = await openStore({ url: process.argv[2], workspace: "w" });
        const claim = await store.claims.claim("late", 400);
        const position = (await store.journal.read(claim.deployment)).length;
        console.log("claimed");
        await new Promise((resolve) => process.stdin.once("data", resolve));
        const isHeld = await store.claims.renew(claim, 400);
        const event = await store.journal.append(claim.deployment, position, { kind: "paused", by: "late" });
        await store.claims.release(claim, undefined);
        console.log(JSON.stringify({ isHeld, wrote: event !== undefined }));
        await store.close();`.replace(/^([\s\S]*?store\.ts";)([\s\S]*)$/, "$1 (async () => {$2})();"),
      resolveDir: import.meta.dirname,
      loader: "ts",
    },
    outfile: program,
    bundle: true,
    platform: "node",
    external: ["pg-native"],
    logLevel: "error",
  });
});
afterAll(() => {
  child?.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

test("a worker that sleeps past its lease finds that another took over, writes nothing, and takes nothing away", async () => {
  const store = await openStore({ url: server().url, workspace: "w" });
  await store.journal.append("d", 0, requestedFact("production"));
  child = spawn(process.execPath, [program, server().url], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("claimed");
  child.kill("SIGSTOP");
  let taken = await store.claims.claim("prompt", 5000);
  for (const until = Date.now() + 20_000; taken === undefined && Date.now() < until; await sleep(20)) {
    taken = await store.claims.claim("prompt", 5000);
  }
  expect(taken?.gapMs).toBeGreaterThanOrEqual(0);
  await store.journal.append("d", 1, { kind: "resumed", worker: "prompt", gapMs: 400 });
  child.stdin!.write("go on\n");
  child.kill("SIGCONT");
  expect(JSON.parse((await lines.next()).value)).toEqual({ isHeld: false, wrote: false });
  expect((await store.journal.read("d")).map(({ fact }) => fact.kind)).toEqual(["requested", "resumed"]);
  expect(await store.claims.renew(taken!, 5000)).toBe(true);
  await store.close();
});
