// Structured logs: one JSON object a line on standard output, for whoever collects them.
export type Level = "debug" | "info" | "warn" | "error";
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(about: Readonly<{ service: string; version: string; level: Level }>): Log {
  const { level: least, ...always } = about;
  return (level, message, fields) => {
    if (rank[level] < rank[least]) return;
    const line = { time: new Date().toISOString(), level, message, ...always, pid: process.pid, ...fields };
    process.stdout.write(`${JSON.stringify(line, printErrors)}\n`);
  };
}

function printErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
