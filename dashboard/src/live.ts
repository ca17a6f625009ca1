// Keeps the page's journal in step with the server's: one stream of events, resumed from the last one seen.
import { useSyncExternalStore } from "react";
import type { Event } from "../../src/domain/event.ts";
import { ask } from "./api.ts";
import { emptyJournal, type Journal, withEvents } from "./journal.ts";

export type Link = "connecting" | "live" | "reconnecting" | "signed out";

export interface Known {
  readonly journal: Journal;
  readonly link: Link;
  /** What a screen reader should hear: turns and outcomes that happened while the page was open. */
  readonly fresh: readonly Event[];
}

const flushMs = 40;
const retryMs = 1500;

export class Live {
  #known: Known = { journal: emptyJournal, link: "connecting", fresh: [] };
  #listeners = new Set<() => void>();
  #waiting: Event[] = [];
  #openedAt = Date.now();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly known = (): Known => this.#known;

  connect(): void {
    const source = new EventSource(`/api/v1/events?from=${this.#known.journal.seq}`);
    source.onopen = () => this.#set({ link: "live" });
    source.onmessage = (message) => this.#take(JSON.parse(message.data));
    source.onerror = () => {
      // The browser resumes by itself with Last-Event-ID, unless the server refused: then it has closed for good.
      if (source.readyState === EventSource.CLOSED) this.#retry();
      else this.#set({ link: "reconnecting" });
    };
  }

  /** A journal holds bursts of events: they are folded together, so that the page is drawn once. */
  #take(event: Event): void {
    if (this.#waiting.length === 0) setTimeout(() => this.#flush(), flushMs);
    this.#waiting.push(event);
  }

  #flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    const fresh = events.filter(({ at, fact }) => at >= this.#openedAt && isTurn(fact.kind));
    this.#set({
      journal: withEvents(this.#known.journal, events),
      link: "live",
      ...(fresh.length === 0 ? {} : { fresh }),
    });
  }

  async #retry(): Promise<void> {
    const session = await ask("/session");
    if (!session.ok && session.refusal.status === 401) return this.#set({ link: "signed out" });
    this.#set({ link: "reconnecting" });
    setTimeout(() => this.connect(), retryMs);
  }

  #set(change: Partial<Known>): void {
    this.#known = { ...this.#known, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function isTurn(kind: Event["fact"]["kind"]): boolean {
  return kind === "ended" || kind === "retreat" || kind === "on hold" || kind === "paused";
}

export function useKnown(live: Live): Known {
  return useSyncExternalStore(live.subscribe, live.known);
}
