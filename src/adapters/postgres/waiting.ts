// Sleeps until a deployment may be due: woken by NOTIFY, by the next due time, or after the time given.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Ms } from "../../domain/frame.ts";
import type { Queue } from "./claims.ts";

export interface WaitingOptions {
  readonly queue: Pick<Queue, "dueInMs">;
  readonly url: string;
}

/** Holds one connection open; while it is lost, sleeping goes by due times alone, at most a second at a time. */
export class Waiting {
  readonly #options: WaitingOptions;
  readonly #sleepers = new Set<() => void>();
  #client: pg.Client | undefined;
  #listening: Promise<boolean> | undefined;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  async forWork(timeoutMs: Ms, signal?: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    const isListening = await this.#listen();
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#sleepers.add(wake);
    try {
      // Asked after we listen: what became due before is seen here, what becomes due after it rings.
      const untilDueMs = (await queue.dueInMs()) ?? timeoutMs;
      const longestMs = Math.min(timeoutMs, untilDueMs, isListening ? timeoutMs : 1000);
      const signals = signal === undefined ? [woken.signal] : [woken.signal, signal];
      await sleep(longestMs, undefined, { signal: AbortSignal.any(signals) }).catch(() => {}); // woken before its end
    } finally {
      this.#sleepers.delete(wake);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {}); // it is being thrown away
    this.#ring();
  }

  #ring(): void {
    for (const wake of this.#sleepers) wake();
  }

  #listen(): Promise<boolean> {
    if (this.#client !== undefined) return Promise.resolve(true);
    this.#listening ??= this.#connect().finally(() => {
      this.#listening = undefined;
    });
    return this.#listening;
  }

  async #connect(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    });
    const lost = () => {
      if (this.#client === client) this.#client = undefined;
      this.#ring();
    };
    client
      .on("error", lost)
      .on("end", lost)
      .on("notification", () => this.#ring());
    try {
      await client.connect();
      await client.query("listen sluice_work");
      this.#client = client;
      return true;
    } catch {
      await client.end().catch(() => {}); // never opened
      return false; // the next question to the database tells why
    }
  }
}
