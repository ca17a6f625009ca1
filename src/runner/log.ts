// What a build prints, on its way to the control plane: secrets are taken out before anything leaves this process, and what
// was not confirmed is sent again from the place that was. However much it prints, a bounded part of it is kept here and there.
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { hidden } from "./hidden.ts";
import type { BuildServer } from "./server.ts";

export interface BuildLog {
  say(line: string): void;
  /** Where one stream's chunks go; two streams do not break each other's lines. */
  stream(): { write(chunk: Buffer): void; end(): void };
  /** Sends what is left; false when the control plane did not take it all in time. */
  close(withinMs: number): Promise<boolean>;
  /** Sends nothing more. */
  drop(): void;
}

const chunkMaxBytes = 512 * 1024;
const sendEveryMs = 300;
/** A longer line is sent before it has ended. */
const lineMaxChars = 64 * 1024;
/** The control plane keeps 16 MiB: the beginning, and room for how it ended. */
export const headMaxBytes = 15 * 2 ** 20;
const tailMaxChars = 256 * 1024;

export function buildLog(server: Pick<BuildServer, "log">, secrets: readonly string[]): BuildLog {
  const { hide, longest } = hidden(secrets);
  const fresh: Buffer[] = [];
  let kept = Buffer.alloc(0);
  /** Where `kept` begins. */
  let arrived = 0;
  let taken = 0;
  let [tail, printedAfter] = ["", 0];
  let isClosed = false;

  async function send(): Promise<void> {
    while (!isClosed || kept.length + fresh.length > 0) {
      if (kept.length < chunkMaxBytes) kept = Buffer.concat([kept, ...fresh.splice(0)]);
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

  function take(text: string): void {
    const bytes = Buffer.from(text);
    if (taken + bytes.length <= headMaxBytes && printedAfter === 0) {
      taken += bytes.length;
      fresh.push(bytes);
      return;
    }
    printedAfter += text.length;
    tail += text;
    if (tail.length > 2 * tailMaxChars) tail = tail.slice(-tailMaxChars);
  }

  function takeTail(): void {
    if (printedAfter === 0) return;
    const leftOut = printedAfter - tail.length;
    if (leftOut > 0) fresh.push(Buffer.from(`\n… ${Math.ceil(leftOut / 1e6)} MB are left out here …\n`));
    fresh.push(Buffer.from(tail));
    [tail, printedAfter] = ["", 0];
  }

  return {
    say: (line) => take(`${hide(line)}\n`),
    stream: () => {
      const decoder = new StringDecoder("utf8");
      let line = "";
      return {
        // By whole lines: a secret may come in two chunks. Of a line that is too long, the end that could begin one waits.
        write: (chunk) => {
          const text = decoder.write(chunk);
          const end = text.lastIndexOf("\n") + 1;
          if (end > 0) {
            take(hide(line + text.slice(0, end)));
            line = text.slice(end);
          } else line += text;
          if (line.length <= lineMaxChars) return;
          const clean = hide(line);
          take(clean.slice(0, -longest));
          line = clean.slice(-longest);
        },
        end: () => {
          line += decoder.end();
          if (line !== "") take(`${hide(line)}\n`);
          line = "";
        },
      };
    },
    close: async (withinMs) => {
      takeTail();
      isClosed = true;
      const isSent = await Promise.race([sending.then(() => true), sleep(withinMs, false, { ref: false })]);
      kept = Buffer.alloc(0);
      return isSent;
    },
    drop: () => {
      isClosed = true;
      fresh.splice(0);
      kept = Buffer.alloc(0);
    },
  };
}

/** Readers take what arrived as text: no character is cut in two. */
function wholeLines(bytes: Buffer): number {
  if (bytes.length <= chunkMaxBytes) return bytes.length;
  const line = bytes.lastIndexOf("\n", chunkMaxBytes - 1) + 1;
  if (line > 0) return line;
  let end = chunkMaxBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}
