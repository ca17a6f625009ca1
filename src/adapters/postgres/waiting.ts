// Sleeps until a deployment may be due: woken by NOTIFY, by the next due time, or after the time given.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Ms } from "../../domain/frame.ts";
import { dueInMs } from "./claims.ts";
import type { Database } from "./connection.ts";

/** Holds one connection open; while it is lost, sleeping goes by due times alone, at most a second at a time. */
export class Waiting {
  readonly #database: Database;
  readonly #url: string;
  #client: pg.Client | undefined;
  #isRung = false;
  #ring: () => void = () => {};

  constructor(database: Database, url: string) {
    this.#database = database;
    this.#url = url;
  }

  async forWork(timeoutMs: Ms, signal?: AbortSignal): Promise<void> {
    const isListening = await this.#listen();
    // Asked after we listen, so nothing that became due before is missed; a ring since the last call counts.
    const untilDueMs = (await dueInMs(this.#database)) ?? timeoutMs;
    if (!this.#isRung && signal?.aborted !== true) {
      const done = new AbortController();
      const rung = new Promise<void>((resolve) => {
        this.#ring = resolve;
      });
      const longestMs = Math.min(timeoutMs, untilDueMs, isListening ? timeoutMs : 1000);
      const signals = signal === undefined ? [done.signal] : [done.signal, signal];
      await Promise.race([rung, sleep(longestMs, undefined, { signal: AbortSignal.any(signals) }).catch(() => {})]);
      done.abort();
    }
    this.#isRung = false;
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {}); // it is being thrown away
    this.#rings();
  }

  #rings(): void {
    this.#isRung = true;
    this.#ring();
  }

  async #listen(): Promise<boolean> {
    if (this.#client !== undefined) return true;
    const client = new pg.Client({ connectionString: this.#url, connectionTimeoutMillis: 5000, keepAlive: true });
    const lost = () => {
      if (this.#client === client) this.#client = undefined;
      this.#rings();
    };
    client
      .on("error", lost)
      .on("end", lost)
      .on("notification", () => this.#rings());
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
