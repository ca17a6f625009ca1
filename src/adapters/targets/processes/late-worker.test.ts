// A worker's process is stopped (SIGSTOP) in the moment in which it asks the host for a frame, for longer than its lease.
// Another finishes the rollout. When the first one goes on, its request arrives: the host refuses it, and nothing changes.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Intent } from "../../../domain/plan.ts";
import type { Strategy } from "../../../domain/strategy.ts";
import { intent, service } from "../../../testing/intents.ts";
import { embeddedPostgres } from "../../../testing/postgres.ts";
import { type ProcessWorker, processWorker } from "../../../testing/process-worker.ts";
import { type RealHost, realHost } from "../../../testing/real-host.ts";

const server = embeddedPostgres();
const folder = mkdtempSync(join(import.meta.dirname, "../../../../node_modules/.sluice-late-"));
const leaseMs = 1500;
let host: RealHost;
let prompt: ProcessWorker;
let late: ChildProcess | undefined;

beforeAll(async () => {
  await build({
    stdin: {
      contents: `
        import { createInterface } from "node:readline";
        import { processWorker } from "./process-worker.ts";
        const options = JSON.parse(process.argv[2]);
        const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
        const { worker, close } = await processWorker({
          ...options,
          onApply: async (frame) => {
            if ((frame.revisions["web-2"]?.traffic ?? 0) === 0) return () => {};
            console.log("about to ask");
            await lines.next();
            return (error) => console.log(JSON.stringify({ refused: error?.name ?? "no" }));
          },
        });
        while (!(await worker.once())) await new Promise((resolve) => setTimeout(resolve, 20));
        console.log("gave up");
        await close();
        process.exit(0);`,
      resolveDir: join(import.meta.dirname, "../../../testing"),
      loader: "ts",
    },
    outfile: join(folder, "worker.mjs"),
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    logLevel: "error",
  });
  host = await realHost();
});

afterAll(async () => {
  late?.kill("SIGKILL");
  await prompt?.close();
  await host?.stop();
  rmSync(folder, { recursive: true });
});

test("a worker that was stopped past its lease and goes on is refused by the host, and does no harm", async () => {
  const options = { databaseUrl: server().url, hostFolder: host.dataFolder, serviceFolder: host.folder, leaseMs };
  prompt = await processWorker({ ...options, name: "prompt" });
  const { journal } = prompt.store;
  await host.client.claim(journal.id);
  await journal.append("d0", 0, requested("1", { kind: "recreate" }));
  await driven("d0");
  await journal.append("d1", 0, requested("2", { kind: "canary", steps: [{ kind: "setWeight", weight: 50 }] }));

  late = spawn(process.execPath, [join(folder, "worker.mjs"), JSON.stringify({ ...options, name: "late" })], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = createInterface({ input: late.stdout! })[Symbol.asyncIterator]();
  expect((await said.next()).value).toBe("about to ask");
  late.kill("SIGSTOP");
  await driven("d1");
  const [before, seen] = [await journal.read("d1"), await host.client.get("test/web")];
  expect(before.at(-1)?.fact).toMatchObject({ kind: "ended", outcome: "succeeded", stands: { web: "web-2" } });

  late.stdin!.write("go on\n");
  late.kill("SIGCONT");
  expect(JSON.parse((await said.next()).value)).toEqual({ refused: "Fenced" });
  expect((await said.next()).value).toBe("gave up");
  expect(await journal.read("d1")).toEqual(before);
  expect((await host.client.get("test/web"))?.revisions).toMatchObject({ "web-2": { weight: 100 } });
  expect((await host.client.get("test/web"))?.fence).toEqual(seen?.fence);
});

function requested(version: string, strategy: Strategy) {
  const wanted: Intent = intent({ web: service(strategy, { revision: `web-${version}`, size: 1, withinMs: 60_000 }) });
  const release = { id: `r${version}`, version };
  return { kind: "requested", environment: "test", release, intent: wanted, by: "ana" } as const;
}

/** Drives until a deployment has ended, however long another holds it. */
async function driven(deployment: string): Promise<void> {
  const { worker, store } = prompt;
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    if ((await store.journal.read(deployment)).at(-1)?.fact.kind === "ended") return;
    if (!(await worker.once())) await sleep(20);
  }
  throw new Error(`${deployment} has not ended`);
}
