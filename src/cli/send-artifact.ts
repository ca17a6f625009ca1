// Sends one packed artifact in pieces. What has arrived stays there: after a break, and in a later run of the command, it
// goes on from what the control plane says that it has.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ArtifactManifest } from "../server/records.ts";
import type { Api } from "./api-client.ts";
import { Refused, Unreachable } from "./exit.ts";

export interface Sending {
  readonly packed: Uint8Array;
  readonly manifest: ArtifactManifest;
  readonly onProgress: (arrived: number) => void;
  /** How long to wait before each new try; when all were in vain, the command ends. */
  readonly pausesMs?: readonly number[];
}

const pieceBytes = 2 ** 20;
const patiently = [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000];

export async function sendArtifact(api: Pick<Api, "ask" | "sendBytes">, sending: Sending): Promise<void> {
  const { packed, manifest, onProgress, pausesMs = patiently } = sending;
  const upload = { artifact: manifest.artifact, packed: createHash("sha256").update(packed).digest("hex") };
  const params = { sha256: upload.artifact, packed: upload.packed };
  let arrived = 0;
  for (let failures = 0; ; ) {
    try {
      const before = arrived;
      const state = await api.ask("uploadState", { params });
      if (state.isHere) return; // the answer to the last word was lost
      arrived = state.arrived;
      if (arrived > before) failures = 0; // what arrived before the break counts
      while (arrived < packed.length) {
        onProgress(arrived);
        const bytes = packed.subarray(arrived, arrived + pieceBytes);
        arrived = (await api.sendBytes(upload, { from: arrived, bytes })).arrived;
        failures = 0;
      }
      onProgress(arrived);
      await api.ask("finishUpload", { params, body: manifest });
      return;
    } catch (error) {
      if (!(error instanceof Unreachable) || error instanceof Refused) throw error;
      const pauseMs = pausesMs[failures++];
      if (pauseMs === undefined) throw brokenOff(error, { arrived, of: packed.length, service: manifest.service });
      await sleep(pauseMs);
    }
  }
}

function brokenOff(error: Unreachable, { arrived, of, service }: { arrived: number; of: number; service: string }) {
  return new Unreachable(
    `${error.message}. ${mebibytes(arrived)} of ${mebibytes(of)} of ${service} have arrived; nothing was deployed`,
    "Run it again: it goes on from there",
  );
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
