// What a command really read and wrote, as the kernel saw it: `strace` follows it and all that it starts. Of a file that was
// opened the path is the kernel's own, so links and working directories are already resolved.
import { execFile } from "node:child_process";
import { createReadStream, lstatSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export type Touched = Readonly<{
  /** Absolute paths of what was opened to be read, and not written by the command itself. */
  reads: ReadonlySet<string>;
  writes: ReadonlySet<string>;
}>;

const calls = "trace=open,openat,openat2,creat,rename,renameat,renameat2";

/** What stands before a command. The tracer is a grandchild (-D), so the command stays our child, in its group. */
export function traced(file: string): readonly string[] {
  return ["strace", "-D", "-f", "--seccomp-bpf", "-qqq", "-y", "-z", "-e", calls, "-e", "signal=none", "-o", file];
}

/** Why nothing can be traced here, in one line; undefined where it can. */
export async function whyUntraceable(): Promise<string | undefined> {
  if (process.platform !== "linux") return "it needs Linux";
  const [program = "", ...args] = [...traced("/dev/null"), "true"];
  return await promisify(execFile)(program, args, { timeout: 10_000 }).then(
    () => undefined,
    (error: Error & { readonly code?: unknown; readonly stderr?: string }) =>
      error.code === "ENOENT"
        ? "it needs strace (apt-get install strace)"
        : `strace may not trace here (${error.stderr?.trim().split("\n")[0] || error.message})`,
  );
}

export type Began = Readonly<{
  /** Where the command began. */
  cwd: string;
  /** And when: what has not changed since was opened to be written, and was not. */
  atMs: number;
}>;

export async function readTrace(file: string, { cwd, atMs }: Began): Promise<Touched> {
  const reads = new Set<string>();
  const writes = new Set<string>();
  const cwds = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(file, "latin1") })) {
    const [, pid = "", call = "", args = "", result = ""] = /^(\d+) +(\w+)\((.*)\) += (.*)$/.exec(line) ?? [];
    const here = /\bAT_FDCWD<([^>]*)>/.exec(args)?.[1];
    if (here !== undefined) cwds.set(pid, plain(here));
    if (call.startsWith("rename")) {
      const to = /(?:AT_FDCWD|\d+)?(?:<([^>]*)>, )?"((?:[^"\\]|\\.)*)"(?:, [\w|]+)?$/.exec(args);
      if (to) writes.add(within(to[1] === undefined ? (cwds.get(pid) ?? cwd) : plain(to[1]), plain(to[2] ?? "")));
      continue;
    }
    const path = /^\d+<(\/[^>]*)>$/.exec(result)?.[1];
    if (path === undefined) continue; // closed again, deleted, or no file
    const flags = args.replace(/"(?:[^"\\]|\\.)*"/g, "");
    if (/\bO_(?:PATH|DIRECTORY)\b/.test(flags)) continue;
    if (call === "creat" || /\bO_(?:WRONLY|RDWR|CREAT|TRUNC)\b/.test(flags)) writes.add(plain(path));
    else reads.add(plain(path));
  }
  const untouched = [...writes].filter((path) => (changedAtMs(path) ?? atMs) < atMs - tickMs);
  for (const path of untouched) {
    writes.delete(path);
    reads.add(path);
  }
  return { reads: new Set([...reads].filter((path) => !writes.has(path))), writes };
}

/** Clocks of file systems lag behind by so much. */
const tickMs = 20;

function changedAtMs(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ctimeMs;
}

function within(folder: string, path: string): string {
  return path.startsWith("/") ? path : join(folder, path);
}

/** Bytes that are not plain ASCII come as octal numbers. */
function plain(text: string): string {
  if (!text.includes("\\")) return text;
  const named: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" };
  const bytes = text.replace(/\\(?:([0-7]{1,3})|(.))/g, (_, octal?: string, one = "") =>
    octal === undefined ? (named[one] ?? one) : String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, "latin1").toString();
}
