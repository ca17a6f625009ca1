// The control plane as a process of its own: started so that it outlives the terminal, found again, and stopped.
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AcmeWish } from "../compose/certificates.ts";
import type { PublicDoor } from "../compose/public-door.ts";
import { Problem } from "../domain/problem.ts";
import { anotherRuns } from "../server/token-file.ts";
import { findConfigFile, loadConfig } from "../workspace/config-file.ts";
import { openApi } from "./api-client.ts";
import { localControlPlane } from "./control-address.ts";
import { Unreachable } from "./exit.ts";
import type { Context } from "./verb.ts";

export interface ControlWishes {
  readonly port?: string | undefined;
  /** How other machines reach it; null closes it to them; undefined leaves it as it was. */
  readonly door?: PublicDoor | null | undefined;
  /** Domains to ask certificates for; undefined leaves them as they were. */
  readonly acme?: AcmeWish | undefined;
  readonly httpPort?: string | undefined;
}

export interface Started {
  readonly url: string;
  readonly publicUrl?: string;
  readonly pid: number;
  readonly wasRunning: boolean;
}

/** What a control plane writes beside its data once it answers. */
interface Whereabouts {
  readonly url: string;
  readonly publicUrl?: string;
  readonly pid: number;
}

const startWithinMs = 90_000;
const lookEveryMs = 50;

export async function startControl(context: Context, wishes: ControlWishes): Promise<Started> {
  makeDataFolder(context.data);
  const running = await answering(context);
  if (running !== undefined && [wishes.door, wishes.acme, wishes.httpPort].some((one) => one !== undefined)) {
    throw new Problem(
      "The control plane runs already: how it is reached is said when it starts",
      "Run `sluice down --keep-services` first: what it deployed goes on serving",
    );
  }
  if (running !== undefined) return { ...running, wasRunning: true };
  const logFile = join(context.data, "control.log");
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(process.execPath, await programArgs(context, wishes), {
    detached: true,
    cwd: "/",
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    if (code !== anotherRuns) ended = `it ended with ${signal ?? `code ${code}`}`;
  });
  child.unref();
  for (const until = Date.now() + startWithinMs; Date.now() < until && ended === undefined; await sleep(lookEveryMs)) {
    const up = await answering(context);
    if (up !== undefined) return { ...up, wasRunning: up.pid !== child.pid };
  }
  throw new Problem(
    `The control plane did not start: ${lastWords(logFile) ?? ended ?? `no answer within ${startWithinMs / 1000} s`}`,
    `See ${logFile}`,
  );
}

function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(`nothing can be kept in ${folder}: ${why}`, "Make it writable, or name another with --data");
  }
}

/** In this terminal; ends with it. */
export async function runControl(context: Context, wishes: ControlWishes): Promise<void> {
  const child = spawn(process.execPath, await programArgs(context, wishes), { stdio: "inherit" });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", forward).on("SIGTERM", forward);
  process.exitCode = await new Promise<number>((ended) => child.once("exit", (code) => ended(code ?? 1)));
}

async function answering(context: Context): Promise<Whereabouts | undefined> {
  try {
    const api = openApi(localControlPlane(context.data));
    await api.ask("session");
    const where = whereabouts(context.data);
    return where;
  } catch (error) {
    if (error instanceof Unreachable) return undefined;
    throw error;
  }
}

function whereabouts(data: string): Whereabouts | undefined {
  const file = join(data, "control.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

async function programArgs(
  { cwd, data }: Context,
  { port, door, acme, httpPort }: ControlWishes,
): Promise<readonly string[]> {
  const config = findConfigFile(cwd) === undefined ? undefined : (await loadConfig(cwd)).config;
  return [
    program(),
    data,
    ...(config === undefined
      ? []
      : [
          ...["--workspace", config.workspace],
          ...["--archive-after-days", String(config.history.archiveAfterDays)],
          ...["--evidence-days", String(config.history.evidenceDays)],
        ]),
    ...(port === undefined ? [] : ["--port", portOf(port)]),
    ...(door === undefined ? [] : ["--door", JSON.stringify(door)]),
    ...(acme === undefined ? [] : ["--acme", JSON.stringify(acme)]),
    ...(httpPort === undefined ? [] : ["--http-port", httpPort]),
  ];
}

function portOf(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return text;
  throw new Problem(`--port ${text} is not a port`, "Write a number below 65536; 0 takes any that is free");
}

/** dist/control.js: this code is bundled beside it or in chunks below it. */
function program(): string {
  for (let at = import.meta.dirname; dirname(at) !== at; at = dirname(at)) {
    const found = [join(at, "control.js"), join(at, "dist/control.js")].find((file) => existsSync(file));
    if (found !== undefined) return found;
  }
  throw new Problem("control.js is missing beside the tool", "Run npm run build, or reinstall sluice");
}

function lastWords(file: string): string | undefined {
  return readFileSync(file, "utf8").trimEnd().split("\n").at(-1) || undefined;
}
