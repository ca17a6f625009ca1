// Git does the hashing and the looking: plumbing commands only (a user's configuration changes porcelain), NUL-separated,
// never taking a lock, paths relative to the workspace root.
import { execFile } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export type GitAnswer = Readonly<{ ok: boolean; out: Buffer; err: string }>;

/** Never rejects: a failing git is an answer, with what it said. */
export function git(root: string, args: readonly string[], input?: string): Promise<GitAnswer> {
  return new Promise((done) => {
    const options = {
      cwd: root,
      env: gitEnvironment(),
      encoding: "buffer" as const,
      maxBuffer: Number.POSITIVE_INFINITY,
    };
    const child = execFile("git", [...args], options, (error, out, err) =>
      done({ ok: error === null, out, err: err.toString() || (error?.message ?? "") }),
    );
    child.stdin?.on("error", () => {}); // git may end before it has read all: its exit status tells
    if (input !== undefined) child.stdin?.end(input);
  });
}

let environment: NodeJS.ProcessEnv | undefined;
function gitEnvironment(): NodeJS.ProcessEnv {
  environment ??= { ...process.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
  return environment;
}

/** Where the index is: `.git` may be a directory above the workspace, or a file in a linked worktree. */
export function gitFolder(root: string): Readonly<{ top: string; folder: string }> | undefined {
  for (let at = resolve(root); ; at = dirname(at)) {
    const dot = join(at, ".git");
    const stat = statSync(dot, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return { top: at, folder: dot };
    if (stat?.isFile()) {
      const to = /^gitdir: (.*)$/m.exec(readFileSync(dot, "utf8"))?.[1];
      if (to) return { top: at, folder: resolve(at, to) };
    }
    if (dirname(at) === at) return undefined;
  }
}

/** The index's own checksum: the same stamp means the same listing. Undefined where git keeps none (`index.skipHash`). */
export function indexStamp(folder: string): string | undefined {
  if (process.env.GIT_INDEX_FILE || process.env.GIT_DIR) return undefined;
  let file: number;
  try {
    file = openSync(join(folder, "index"), "r");
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(20);
    readSync(file, tail, 0, 20, Math.max(0, size - 20));
    return tail.every((b) => b === 0) ? undefined : `${size}-${tail.toString("hex")}`;
  } finally {
    closeSync(file);
  }
}

export function splitNul(text: string): string[] {
  const parts = text.split("\0");
  if (parts.at(-1) === "") parts.pop();
  return parts;
}
