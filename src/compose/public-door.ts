// How the control plane is reached from other machines: under one public address, beside the loopback port of its own
// machine. Either it speaks HTTPS itself, with certificate files that are read again when they change; or a proxy in front
// of it does and passes on to the loopback port, and only the name is made known here.
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { Problem } from "../domain/problem.ts";
import { writeWhole } from "../host/whole-file.ts";
import { type Listening, listen, type Pair } from "../server/listen.ts";

export interface PublicDoor {
  /** "https://sluice.example.com:7443" */
  readonly url: string;
  /** What it listens on, when it speaks HTTPS itself. */
  readonly address?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The files may come later. */
  readonly isAwaited?: boolean;
}

type App = Parameters<typeof listen>[0];

const lookEveryMs = 1_000;

/** The one that was asked for last; asked for once, it stays. */
export function keptDoor(dataFolder: string): PublicDoor | undefined {
  const file = doorFile(dataFolder);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

export function keepDoor(dataFolder: string, door: PublicDoor | undefined): void {
  if (door === undefined) rmSync(doorFile(dataFolder), { force: true });
  else writeWhole(doorFile(dataFolder), JSON.stringify(door));
}

/** Undefined when a proxy does the listening. Throws a Problem when the files are no pair. */
export async function openDoor(app: App, door: PublicDoor): Promise<Pick<Listening, "close"> | undefined> {
  const { certFile, keyFile, address = "0.0.0.0" } = door;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const files = { certFile, keyFile };
  const port = Number(new URL(door.url).port || 443);
  let stamp = stampOf(files);
  // Those that an ACME authority is still to issue open the door when they come; all others are there from the beginning.
  let listening = door.isAwaited === true && !existsSync(certFile) ? undefined : await open();
  let isLooking = false;

  async function open(): Promise<Listening> {
    return listen(app, { port, host: address, pair: read(files) });
  }

  async function look(): Promise<void> {
    const now = stampOf(files);
    if (now === stamp || isLooking) return;
    isLooking = true;
    try {
      if (listening === undefined) listening = await open();
      else listening.renew(read(files));
      stamp = now;
    } catch {
      // Half written, most likely: the next look will see it whole, and until then the present pair serves.
    } finally {
      isLooking = false;
    }
  }

  const looking = setInterval(() => void look(), lookEveryMs);
  return {
    close: async () => {
      clearInterval(looking);
      await listening?.close();
    },
  };
}

function read({ certFile, keyFile }: { certFile: string; keyFile: string }): Pair {
  try {
    const pair = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new Problem(
      `${certFile} and ${keyFile} cannot be used: ${because}`,
      "Name a certificate with its chain, and its key, both as PEM",
    );
  }
}

function stampOf(files: { certFile: string; keyFile: string }): string {
  return Object.values(files)
    .map((file) => statSync(file, { throwIfNoEntry: false }))
    .map((found) => `${found?.mtimeMs} ${found?.size} ${found?.ino}`)
    .join();
}

function doorFile(dataFolder: string): string {
  return join(dataFolder, "public.json");
}
