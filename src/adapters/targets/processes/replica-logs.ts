// What the replicas of one machine print, out of their files: the last lines, then more as it comes.
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ms } from "../../../domain/frame.ts";
import type { HostClient } from "../../../host/client.ts";
import { lastPrinted } from "../../../host/replica/logs.ts";
import { linesSince } from "./line-time.ts";

export interface LogWish {
  readonly environment: string;
  readonly service?: string;
  readonly revision?: string;
  readonly replica?: string;
  /** Only lines printed since then. */
  readonly since?: Ms;
  /** How many of the latest lines of each replica. */
  readonly tail: number;
  readonly follow: boolean;
}

export interface PrintedLine {
  readonly service: string;
  readonly revision: string;
  readonly replica: string;
  readonly line: string;
}

interface Source extends Omit<PrintedLine, "line"> {
  readonly file: string;
  readonly beganAt: Ms;
}

const lookEveryMs = 300;

export interface LogsOf {
  readonly host: Pick<HostClient, "services" | "get">;
  /** Folder of all logs: those of replicas that are gone are still there for a while. */
  readonly folder: string;
}

export async function* replicaLogs(of: LogsOf, wish: LogWish, signal: AbortSignal): AsyncGenerator<PrintedLine> {
  const places = new Map<string, Place>();
  const present = await sourcesOf(of.host, wish);
  for (const source of [...present, ...(await goneSources(of.folder, wish, present))]) {
    places.set(source.file, { end: await sizeOf(source.file), cutAt: await cutAtOf(source.file) });
    const lines = lastPrinted(source.file, wish.tail);
    const { beganAt } = source;
    for (const line of wish.since === undefined ? lines : linesSince(lines, { since: wish.since, beganAt }))
      yield printed(source, line);
  }
  while (wish.follow && !signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    for (const source of await sourcesOf(of.host, wish).catch(() => [])) {
      const { lines, place } = await linesAfter(source.file, places.get(source.file) ?? { end: 0, cutAt: 0 });
      places.set(source.file, place);
      for (const line of lines) yield printed(source, line);
    }
  }
}

/** What a release that was taken back printed is most wanted when its replicas are gone. Only those that are named. */
async function goneSources(
  folder: string,
  { environment, service, revision, replica: one }: LogWish,
  present: readonly Source[],
): Promise<readonly Source[]> {
  if (revision === undefined && one === undefined) return [];
  if (!(await namesIn(folder)).includes(environment)) return []; // a name such as ".." is none of ours
  const services = (await namesIn(join(folder, environment))).filter(
    (name) => service === undefined || name === service,
  );
  const sources = services.map(async (name) => {
    const files = await namesIn(join(folder, environment, name));
    return files
      .filter((file) => file.endsWith(".log"))
      .map((file) => ({ replica: file.slice(0, -".log".length), file: join(folder, environment, name, file) }))
      .filter(({ replica, file }) => (one ?? replica) === replica && !present.some((source) => source.file === file))
      .map((source) => ({
        ...source,
        service: name,
        revision: source.replica.replace(/-\d+(\.\d+)?$/, ""),
        beganAt: 0,
      }))
      .filter((source) => (revision ?? source.revision) === source.revision);
  });
  return (await Promise.all(sources)).flat();
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).then(
    (names) => names.toSorted(),
    () => [],
  );
}

async function sourcesOf(
  host: LogsOf["host"],
  { environment, service, revision, replica: one }: LogWish,
): Promise<readonly Source[]> {
  const keys = (await host.services()).filter((key) => key.startsWith(`${environment}/`));
  const wanted = keys.filter((key) => service === undefined || key === `${environment}/${service}`);
  const sources = wanted.map(async (key): Promise<readonly Source[]> => {
    const seen = await host.get(key);
    const named = Object.entries(seen?.revisions ?? {}).filter(([id]) => revision === undefined || id === revision);
    return named.flatMap(([id, { replicas }]) =>
      replicas
        .filter(({ id: name }) => one === undefined || name === one)
        .map((replica) => ({
          service: key.slice(environment.length + 1),
          revision: id,
          replica: replica.id,
          file: replica.logFile,
          beganAt: replica.startedAt,
        })),
    );
  });
  return (await Promise.all(sources)).flat();
}

function printed({ service, revision, replica }: Source, line: string): PrintedLine {
  return { service, revision, replica, line };
}

/** How far a log was read, and when it had last been cut to nothing (rotated). */
interface Place {
  readonly end: number;
  readonly cutAt: Ms;
}

interface Read {
  readonly lines: readonly string[];
  readonly end: number;
}

/** Whole lines after a place. Of a file that was cut since, first the rest of what was copied aside. */
async function linesAfter(file: string, { end, cutAt }: Place): Promise<{ lines: readonly string[]; place: Place }> {
  const now = await cutAtOf(file);
  const rest = now === cutAt ? undefined : await readFrom(`${file}.1`, end);
  const fresh = await readFrom(file, rest === undefined ? end : 0);
  return { lines: [...(rest?.lines ?? []), ...fresh.lines], place: { end: fresh.end, cutAt: now } };
}

async function cutAtOf(file: string): Promise<Ms> {
  return await stat(`${file}.1`).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function readFrom(file: string, from: number): Promise<Read> {
  const size = await sizeOf(file);
  if (size <= from) return { lines: [], end: from };
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size - from, 2 ** 20)), 0, null, from);
    const last = buffer.subarray(0, bytesRead).lastIndexOf(10);
    if (last < 0) return { lines: [], end: from };
    return { lines: buffer.subarray(0, last).toString("utf8").split("\n"), end: from + last + 1 };
  } finally {
    await handle.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
