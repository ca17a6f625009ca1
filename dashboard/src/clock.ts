// One tick a second for everything that counts down, and how moments and durations are written.
import { useSyncExternalStore } from "react";
import type { Ms } from "../../src/domain/frame.ts";
import { minutes } from "../../src/domain/minutes.ts";

const listeners = new Set<() => void>();
let now: Ms = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

export function useNow(): Ms {
  return useSyncExternalStore(subscribe, () => now);
}

export function ago(at: Ms, from: Ms): string {
  const since = Math.max(0, from - at);
  if (since < 5000) return "just now";
  if (since < 60_000) return `${Math.floor(since / 5000) * 5} s ago`;
  if (since < 3_600_000) return `${Math.floor(since / 60_000)} min ago`;
  if (since < 172_800_000) return `${Math.floor(since / 3_600_000)} h ago`;
  return `${Math.floor(since / 86_400_000)} days ago`;
}

export function lasted(ms: Ms): string {
  return minutes(Math.max(0, Math.round(ms / 100) * 100));
}

const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

export function clockTime(at: Ms): string {
  return clockFormat.format(at);
}

export function fullTime(at: Ms): string {
  return dateFormat.format(at);
}
