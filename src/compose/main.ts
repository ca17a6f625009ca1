// The control plane as a process: engine, HTTP API and page over one data folder. `sluice up` starts it; it outlives the
// terminal, may be killed at any moment, and the next one goes on where it was.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Problem } from "../domain/problem.ts";
import { releaseLock, takeLock } from "../host/lock.ts";
import { anotherRuns } from "../server/token-file.ts";
import { startControlPlane } from "./control.ts";
import { controlLock } from "./machine-stop.ts";
import { keepDoor, keptDoor } from "./public-door.ts";
import { serveControlPlane } from "./server.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string" },
    workspace: { type: "string" },
    "archive-after-days": { type: "string" },
    "evidence-days": { type: "string" },
    // How other machines reach it, as JSON; "null" closes it. What was said last stays in force.
    door: { type: "string" },
    // Domains that certificates are asked for, as JSON. What was said last stays in force.
    acme: { type: "string" },
    "http-port": { type: "string" },
  },
});
const data = resolve(positionals[0] ?? ".sluice");

try {
  await run();
} catch (error) {
  // The last line of the log is what `sluice up` shows.
  if (!(error instanceof Problem)) console.error(error);
  console.error(error instanceof Problem ? `${error.message}. ${error.mend}` : `a bug in Sluice: ${error}`);
  process.exit(1);
}

function givenDatabase(): string | undefined {
  const { DATABASE_URL: url } = process.env;
  if (url === undefined || url === "") return undefined;
  if (URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol)) return url;
  throw new Problem(
    "DATABASE_URL is not the address of a PostgreSQL",
    "Write postgres://user:password@host:5432/database, or unset it for one of our own",
  );
}

async function run(): Promise<void> {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(join(data, ".gitignore"), "*\n");
  lock();
  const { SLUICE_INTERVAL_MS } = process.env;
  const databaseUrl = givenDatabase();
  const { "archive-after-days": archiveAfter, "evidence-days": evidenceDays } = values;
  const plane = await startControlPlane({
    dataFolder: data,
    workspace: values.workspace ?? "workspace",
    ...(archiveAfter === undefined ? {} : { archiveAfterDays: Number(archiveAfter) }),
    ...(evidenceDays === undefined ? {} : { evidenceDays: Number(evidenceDays) }),
    ...(values.acme === undefined ? {} : { acme: JSON.parse(values.acme) }),
    ...(values["http-port"] === undefined ? {} : { httpPort: Number(values["http-port"]) }),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    // Shorter counted intervals than 5 s are for demonstrations and tests.
    ...(SLUICE_INTERVAL_MS === undefined ? {} : { intervalMs: Number(SLUICE_INTERVAL_MS) }),
  });
  const door = values.door === undefined ? keptDoor(data) : (JSON.parse(values.door) ?? undefined);
  const served = await serveControlPlane({
    plane,
    dataFolder: data,
    door,
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
  });
  keepDoor(data, door);
  const stop = async () => {
    await served.close();
    await plane.close();
    releaseLock(controlLock(data));
    process.exit(0);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

function lock(): void {
  try {
    takeLock(controlLock(data), "control plane");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(`${error.message}. ${error.mend}`);
    process.exit(anotherRuns);
  }
}
