// What a person sees of a run: each task's lines under its name, replayed where they come from the cache, and a summary.
import { createColors } from "picocolors";
import type { Listener, Outcome, Result } from "../../workspace/tasks/run.ts";

export type RunScreen = Listener &
  Readonly<{ warn: (text: string) => void; summary: (results: readonly Result[]) => void }>;

const words: Readonly<Record<Outcome, string>> = {
  "in place": "cached",
  restored: "cached, put back",
  fetched: "cached, fetched",
  ran: "done",
  failed: "FAILED",
  skipped: "skipped",
  stopped: "stopped",
};

export function openRunScreen(stream: NodeJS.WriteStream, { isQuiet }: { isQuiet: boolean }): RunScreen {
  const color = createColors(stream.isTTY === true && process.env.NO_COLOR === undefined);
  const partial = new Map<string, string>();
  const kept = new Map<string, Buffer[]>();
  let pending: string[] = []; // one write for thousands of cached tasks
  const flush = () => {
    if (pending.length > 0) stream.write(pending.join(""));
    pending = [];
  };
  const lines = (id: string, text: string) => {
    const name = color.cyan(id);
    const parts = ((partial.get(id) ?? "") + text).split("\n");
    partial.set(id, parts.pop() ?? "");
    for (const line of parts) pending.push(`${name}  ${line}\n`);
  };
  const finishLine = (id: string) => {
    if (partial.get(id)) lines(id, "\n");
    partial.delete(id);
  };
  return {
    begins: (id, command) => {
      if (isQuiet) return;
      pending.push(`${color.cyan(id)}  ${color.dim(`$ ${command}`)}\n`);
      flush();
    },
    says: (id, chunk) => {
      if (isQuiet) {
        const own = kept.get(id);
        if (own) own.push(chunk);
        else kept.set(id, [chunk]);
        return;
      }
      lines(id, chunk.toString());
      flush();
    },
    ends: (id, result, log) => {
      if (isQuiet) {
        if (result.outcome === "failed") {
          lines(id, Buffer.concat(kept.get(id) ?? []).toString());
          finishLine(id);
          pending.push(`${color.red(`${id}  failed (${result.note})`)}\n`);
          flush();
        }
        kept.delete(id);
        return;
      }
      const isReplay = result.outcome === "in place" || result.outcome === "restored" || result.outcome === "fetched";
      const replayed = isReplay ? log() : undefined;
      if (replayed && replayed.length > 0) lines(id, replayed.toString());
      finishLine(id);
      const paint = result.outcome === "failed" ? color.red : isReplay ? color.dim : color.green;
      const note = result.note ? `  ${result.note}` : "";
      const flaky = result.isFlaky ? "  flaky: it failed before with the same inputs" : "";
      pending.push(
        `${color.cyan(id)}  ${paint(words[result.outcome])}${isReplay ? "" : `  ${seconds(result.durationMs)}`}${note}${flaky}\n`,
      );
      if (!isReplay || pending.length > 200) flush();
    },
    warn: (text) => {
      flush();
      process.stderr.write(`${color.yellow("!")} ${text}\n`);
    },
    summary: (results) => {
      flush();
      if (!isQuiet) stream.write(`\n${summaryLine(results)}\n`);
      else if (results.some((r) => r.outcome === "failed")) stream.write(`${summaryLine(results)}\n`);
    },
  };
}

export function summaryLine(results: readonly Result[]): string {
  const count = (...outcomes: Outcome[]) => results.filter((r) => outcomes.includes(r.outcome)).length;
  const parts = [
    [count("in place", "restored", "fetched"), "cached"],
    [count("ran"), "ran"],
    [count("failed"), "failed"],
    [count("skipped", "stopped"), "not run"],
    [results.filter((r) => r.isFlaky).length, "flaky"],
  ] as const;
  const shown = parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`);
  return `${results.length} ${results.length === 1 ? "task" : "tasks"}: ${shown.join(", ") || "nothing to do"}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
