// What a person sees of a run: each task's lines under its name, replayed where they come from the cache, and a summary.
import { createColors } from "picocolors";
import type { Listener, Outcome, Result } from "../../workspace/run.ts";
import type { TaskNode } from "../../workspace/task-graph.ts";

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
  const lines = (node: TaskNode, text: string) => {
    const name = color.cyan(node.id);
    const parts = ((partial.get(node.id) ?? "") + text).split("\n");
    partial.set(node.id, parts.pop() ?? "");
    for (const line of parts) pending.push(`${name}  ${line}\n`);
  };
  const finishLine = (node: TaskNode) => {
    if (partial.get(node.id)) lines(node, "\n");
    partial.delete(node.id);
  };
  return {
    begins: (node) => {
      if (isQuiet) return;
      pending.push(`${color.cyan(node.id)}  ${color.dim(`$ ${node.task.command}`)}\n`);
      flush();
    },
    says: (node, chunk) => {
      if (isQuiet) {
        const own = kept.get(node.id);
        if (own) own.push(chunk);
        else kept.set(node.id, [chunk]);
        return;
      }
      lines(node, chunk.toString());
      flush();
    },
    ends: (node, result, log) => {
      if (isQuiet) {
        if (result.outcome === "failed") {
          lines(node, Buffer.concat(kept.get(node.id) ?? []).toString());
          finishLine(node);
          pending.push(`${color.red(`${node.id}  failed (${result.note})`)}\n`);
          flush();
        }
        kept.delete(node.id);
        return;
      }
      const isReplay = result.outcome === "in place" || result.outcome === "restored" || result.outcome === "fetched";
      const replayed = isReplay ? log() : undefined;
      if (replayed && replayed.length > 0) lines(node, replayed.toString());
      finishLine(node);
      const paint = result.outcome === "failed" ? color.red : isReplay ? color.dim : color.green;
      const note = result.note ? `  ${result.note}` : "";
      const flaky = result.isFlaky ? "  flaky: it needed more than one try" : "";
      pending.push(
        `${color.cyan(node.id)}  ${paint(words[result.outcome])}${isReplay ? "" : `  ${seconds(result.durationMs)}`}${note}${flaky}\n`,
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
