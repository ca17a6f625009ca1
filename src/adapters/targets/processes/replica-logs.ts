// What the replicas of one machine print, out of their files: the last lines, then more as it comes.
import { open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostClient } from "../../../host/client.ts";
import { lastLines } from "../../../host/replica/logs.ts";

export interface LogWish {
  readonly environment: string;
  readonly service?: string;
  readonly revision?: string;
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
}

const lookEveryMs = 300;

export async function* replicaLogs(host: HostClient, wish: LogWish, signal: AbortSignal): AsyncGenerator<PrintedLine> {
  const readTo = new Map<string, number>();
  for (const source of await sourcesOf(host, wish)) {
    readTo.set(source.file, await sizeOf(source.file));
    for (const line of lastLines(source.file, wish.tail)) yield printed(source, line);
  }
  while (wish.follow && !signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    for (const source of await sourcesOf(host, wish).catch(() => [])) {
      const { lines, end } = await linesFrom(source.file, readTo.get(source.file) ?? 0);
      readTo.set(source.file, end);
      for (const line of lines) yield printed(source, line);
    }
  }
}

async function sourcesOf(host: HostClient, { environment, service, revision }: LogWish): Promise<readonly Source[]> {
  const keys = (await host.services()).filter((key) => key.startsWith(`${environment}/`));
  const wanted = keys.filter((key) => service === undefined || key === `${environment}/${service}`);
  const sources = wanted.map(async (key): Promise<readonly Source[]> => {
    const seen = await host.get(key);
    const named = Object.entries(seen?.revisions ?? {}).filter(([id]) => revision === undefined || id === revision);
    return named.flatMap(([id, { replicas }]) =>
      replicas.map((replica) => ({
        service: key.slice(environment.length + 1),
        revision: id,
        replica: replica.id,
        file: replica.logFile,
      })),
    );
  });
  return (await Promise.all(sources)).flat();
}

function printed({ service, revision, replica }: Source, line: string): PrintedLine {
  return { service, revision, replica, line };
}

/** Whole lines after a place; a file that was cut to nothing (rotated) is read from its beginning. */
async function linesFrom(
  file: string,
  from: number,
): Promise<{ readonly lines: readonly string[]; readonly end: number }> {
  const size = await sizeOf(file);
  const start = size < from ? 0 : from;
  if (size === start) return { lines: [], end: start };
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size - start, 2 ** 20)), 0, null, start);
    const last = buffer.subarray(0, bytesRead).lastIndexOf(10);
    if (last < 0) return { lines: [], end: start };
    return { lines: buffer.subarray(0, last).toString("utf8").split("\n"), end: start + last + 1 };
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
