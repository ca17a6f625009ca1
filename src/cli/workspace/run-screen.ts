// What a person sees of a run: each task's lines under its name, replayed where they come from the cache, and a summary.
// In a terminal the last line tells what runs right now; in GitHub's logs each task is a group that folds.
import { createColors } from "picocolors";
import type { Listener, Outcome, Result } from "../../workspace/tasks/result.ts";
import { openStatusLine } from "./status-line.ts";

export type RunScreen = Listener &
  Readonly<{
    expects: (tasks: number) => void;
    warn: (text: string) => void;
    note: (text: string) => void;
    tellUndeclared: (results: readonly Result[]) => void;
    summary: (results: readonly Result[], more: More) => void;
    close: () => void;
  }>;

/** `tookMs` is the whole run's; coverage lines are ready to be printed. */
type More = Readonly<{ tookMs?: number | undefined; coverage?: readonly string[] }>;

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
  // `sluice run … | head`, or a terminal that is gone: a reader who has seen enough does not end the run.
  for (const one of [stream, process.stderr])
    one.removeAllListeners("error").on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    });
  const color = createColors(stream.isTTY === true && process.env.NO_COLOR === undefined);
  const isGrouped = process.env.GITHUB_ACTIONS === "true" && !stream.isTTY;
  const status = stream.isTTY && !isQuiet ? openStatusLine(stream, color.dim) : undefined;
  const partial = new Map<string, string>();
  const kept = new Map<string, Buffer[]>(); // quiet: shown where it failed; grouped: shown at the end
  let pending: string[] = []; // one write for thousands of cached tasks
  const flush = () => {
    if (pending.length === 0) return;
    if (status) status.above(pending.join(""));
    else stream.write(pending.join(""));
    pending = [];
  };
  const lines = (id: string, text: string) => {
    const name = isGrouped ? "" : `${color.cyan(id)}  `;
    const parts = ((partial.get(id) ?? "") + text).split("\n");
    partial.set(id, parts.pop() ?? "");
    for (const line of parts) pending.push(`${name}${line}\n`);
  };
  const wholeLog = (id: string, log: Buffer | undefined) => {
    if (log && log.length > 0) lines(id, log.toString());
    if (partial.get(id)) lines(id, "\n");
    partial.delete(id);
  };
  const verdict = (result: Result): string => {
    const isReplay = isCached(result);
    const paint = result.outcome === "failed" ? color.red : isReplay ? color.dim : color.green;
    const took = isReplay ? "" : `  ${seconds(result.durationMs)}`;
    const flaky = result.isFlaky ? color.yellow("  flaky: it failed before with the same inputs") : "";
    return `${paint(words[result.outcome])}${took}${result.note ? `  ${result.note}` : ""}${flaky}`;
  };
  const undeclared = ({ id, undeclared: found }: Result): readonly string[] =>
    (["reads", "writes"] as const).flatMap((kind) => {
      const all = found?.[kind] ?? [];
      const shown = all.map(({ paths, mend }) => {
        const more = paths.length > 1 ? ` and ${paths.length - 1} more` : "";
        return `  ${paths[0]}${more}\n    ${color.dim(mend)}\n`;
      });
      return all.length === 0 ? [] : [`${color.yellow(`undeclared ${kind}`)}  ${color.cyan(id)}\n`, ...shown];
    });
  const tellUndeclared = (results: readonly Result[]) => {
    pending.push(...results.flatMap(undeclared));
    flush();
  };
  return {
    tellUndeclared,
    expects: (tasks) => status?.expects(tasks),
    begins: (id, command) => {
      status?.begins(id);
      if (isQuiet || isGrouped) return;
      pending.push(`${color.cyan(id)}  ${color.dim(`$ ${command}`)}\n`);
      flush();
    },
    says: (id, chunk) => {
      if (!isQuiet && !isGrouped) {
        lines(id, chunk.toString());
        flush();
        return;
      }
      const own = kept.get(id);
      if (own) own.push(chunk);
      else kept.set(id, [chunk]);
    },
    ends: (id, result, log) => {
      status?.ends(id);
      const own = Buffer.concat(kept.get(id) ?? []);
      kept.delete(id);
      const isFailed = result.outcome === "failed";
      if (isQuiet) {
        if (!isFailed) return;
        wholeLog(id, own);
        pending.push(`${color.red(`${id}  failed (${result.note})`)}\n`);
      } else if (isGrouped) {
        pending.push(`::group::${id}  ${verdict(result)}\n`);
        wholeLog(id, own.length > 0 ? own : log());
        pending.push("::endgroup::\n");
        if (isFailed) pending.push(`::error title=${id}::${id} failed (${result.note})\n`);
      } else {
        wholeLog(id, isCached(result) ? log() : undefined);
        pending.push(`${color.cyan(id)}  ${verdict(result)}\n`);
      }
      if (!isCached(result) || pending.length > 200) flush();
    },
    warn: (text) => {
      flush();
      status?.above("");
      process.stderr.write(`${color.yellow("!")} ${text}\n`);
    },
    note: (text) => {
      pending.push(`${color.dim(text)}\n`);
      flush();
    },
    summary: (results, { tookMs, coverage = [] }) => {
      const isFailed = results.some((r) => r.outcome === "failed");
      const told = isQuiet ? [] : [...slowest(results), ...coverage].map((line) => `${color.dim(line)}\n`);
      tellUndeclared(results);
      const took = tookMs === undefined ? "" : `  ${seconds(tookMs)}`;
      if (!isQuiet || isFailed) pending.push(`${isQuiet ? "" : "\n"}${told.join("")}${summaryLine(results)}${took}\n`);
      flush();
    },
    close: () => {
      flush();
      status?.close();
    },
  };
}

export function summaryLine(results: readonly Result[]): string {
  const count = (...outcomes: Outcome[]) => results.filter((r) => outcomes.includes(r.outcome)).length;
  const parts = [
    [count("in place", "restored", "fetched"), "cached"],
    [count("ran"), "ran"],
    [count("failed"), "failed"],
    [count("stopped"), "stopped"],
    [count("skipped"), "not run"],
    [results.filter((r) => r.isFlaky).length, "flaky"],
  ] as const;
  const shown = parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`);
  return `${results.length} ${results.length === 1 ? "task" : "tasks"}: ${shown.join(", ") || "nothing to do"}`;
}

/** Where the time went, once there is something to choose from. */
function slowest(results: readonly Result[]): readonly string[] {
  const timed = results.filter((r) => !isCached(r) && r.durationMs >= 1000).sort((a, b) => b.durationMs - a.durationMs);
  return results.length < 4 ? [] : timed.slice(0, 3).map((r) => `slowest   ${r.id}  ${seconds(r.durationMs)}`);
}

function isCached({ outcome }: Result): boolean {
  return outcome === "in place" || outcome === "restored" || outcome === "fetched";
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
