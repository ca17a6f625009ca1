// All facts of a workspace's deployments in their order, for live events and projections: none is ever skipped.
import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../../domain/event.ts";
import type { Ms } from "../../domain/frame.ts";
import type { Database } from "./connection.ts";
import { asEvent, type EventRow } from "./event-row.ts";

const rowsMax = 500;
/** How late a fact of another process is seen at most; one of this process is seen at once. */
const pollMs: Ms = 100;

export class Feed {
  readonly #database: Database;
  readonly #workspace: string;
  #head = 0;
  #looking: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(database: Database, workspace: string) {
    this.#database = database;
    this.#workspace = workspace;
  }

  /** Facts with a sequence number above `seq`, at most 500, oldest first. */
  async after(seq: number): Promise<readonly Event[]> {
    const rows = await this.#database.ask<EventRow>("select * from sluice.events_after($1, $2, $3)", [
      this.#workspace,
      seq,
      rowsMax,
    ]);
    return rows.map(asEvent);
  }

  /** The newest sequence number; 0 in an empty journal. */
  async head(): Promise<number> {
    const [row] = await this.#database.ask<{ head: string }>(
      "select coalesce(max(seq), 0) as head from sluice.events where workspace = $1",
      [this.#workspace],
    );
    return Number(row?.head ?? 0);
  }

  /** Resolves when there may be facts above `seq`, or when aborted. However many wait, one question is asked for all. */
  async changed(seq: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#head <= seq) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
  }

  /** This process has just appended up to `seq`. */
  nudge(seq: number): void {
    this.#head = Math.max(this.#head, seq);
    this.#wake();
  }

  async #look(): Promise<void> {
    const done = new AbortController();
    const nudged = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([nudged, sleep(pollMs, undefined, { signal: done.signal }).catch(() => {})]);
    done.abort();
    this.#head = Math.max(this.#head, await this.head());
  }
}
