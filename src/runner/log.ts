// What a build prints, on its way to the control plane: secrets are taken out before anything leaves this process, and what
// was not confirmed is sent again from the place that was.
import { setTimeout as sleep } from "node:timers/promises";
import type { BuildServer } from "./server.ts";

export interface BuildLog {
  write(chunk: Buffer | string): void;
  /** Sends what is left; false when the control plane did not take it all in time. */
  close(withinMs: number): Promise<boolean>;
}

const chunkMaxBytes = 512 * 1024;
const sendEveryMs = 300;
const secretMinLength = 4;

export function buildLog(server: Pick<BuildServer, "log">, secrets: readonly string[]): BuildLog {
  const hide = hidden(secrets);
  let line = "";
  let kept = Buffer.alloc(0);
  /** Where `kept` begins. */
  let arrived = 0;
  let isClosed = false;

  async function send(): Promise<void> {
    while (!isClosed || kept.length > 0) {
      if (kept.length > 0) {
        try {
          const now = await server.log(arrived, kept.subarray(0, wholeLines(kept)));
          kept = kept.subarray(Math.max(0, now - arrived));
          arrived = now;
        } catch {
          await sleep(1000); // it does not answer just now
        }
      }
      if (kept.length < chunkMaxBytes && !isClosed) await sleep(sendEveryMs);
    }
  }
  const sending = send();

  return {
    // By whole lines: a secret may come in two chunks.
    write: (chunk) => {
      const lines = (line + chunk.toString()).split("\n");
      line = lines.pop() ?? "";
      if (lines.length > 0) kept = Buffer.concat([kept, Buffer.from(hide(`${lines.join("\n")}\n`))]);
    },
    close: async (withinMs) => {
      if (line !== "") kept = Buffer.concat([kept, Buffer.from(hide(`${line}\n`))]);
      line = "";
      isClosed = true;
      const isSent = await Promise.race([sending.then(() => true), sleep(withinMs, false, { ref: false })]);
      kept = Buffer.alloc(0);
      return isSent;
    },
  };
}

/** Readers take what arrived as text: no character is cut in two. */
function wholeLines(bytes: Buffer): number {
  if (bytes.length <= chunkMaxBytes) return bytes.length;
  const end = bytes.lastIndexOf("\n", chunkMaxBytes - 1);
  return end === -1 ? chunkMaxBytes : end + 1;
}

/** Also the lines of secrets that have several, and what tools make of them: URL- and base64-encoded. */
function hidden(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .flatMap((secret) => [secret, ...secret.split("\n")])
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= secretMinLength)
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")])
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((clean, form) => clean.replaceAll(form, "***"), text);
}
