// Numbers as people read them, and what the streams of evidence are called.
import type { Stream } from "./parts.ts";

export const streamNames: Record<Stream, string> = {
  err: "errors",
  rank: "latency",
  tail: "tail",
  warm: "warm-up",
  crash: "outage",
};
export const streams = Object.keys(streamNames) as readonly Stream[];

/** "2.1 %", "0.04 %", "100 %"; two figures, fewer where they say nothing. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value === 0) return "0 %";
  if (value >= 99.95) return "100 %";
  if (value >= 10) return `${Number(value.toFixed(value > 99 ? 1 : 0))} %`;
  return `${Number(value.toPrecision(2))} %`;
}

/** "840 ms", "1.2 s". */
export function latency(ms: number): string {
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(2))} s`;
  return `${ms >= 10 ? Math.round(ms) : Number(ms.toPrecision(2))} ms`;
}

/** "45 s", "12 min", "3 h 20 min". */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest > 0 ? ` ${rest} min` : ""}`;
}

export function count(n: number): string {
  return Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** E rounded to one figure: "3,000:1". It bounds how often a good release shows this; it is no probability of being bad. */
export function odds(logE: number): string {
  if (logE > Math.log(1e6)) return "over 1,000,000:1";
  const E = Math.exp(logE);
  return `${E < 1 ? "under 1" : count(Number(E.toPrecision(1)))}:1`;
}

export function about(n: number): string {
  return count(Number(Math.ceil(n).toPrecision(n < 1000 ? 1 : 2)));
}
