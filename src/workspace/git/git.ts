// Git does the hashing and the looking: plumbing commands only (a user's configuration changes porcelain), NUL-separated,
// never taking a lock, paths relative to the workspace root.
import { execFile } from "node:child_process";

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
      done({
        ok: error === null,
        out,
        err: error?.code === "ENOENT" ? noGit : err.toString() || (error?.message ?? ""),
      }),
    );
    child.stdin?.on("error", () => {}); // git may end before it has read all: its exit status tells
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** What `err` is where there is no git to ask. */
export const noGit = "git is not installed here, or not on the PATH";

let environment: NodeJS.ProcessEnv | undefined;
export function gitEnvironment(): NodeJS.ProcessEnv {
  environment ??= { ...process.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
  return environment;
}

export function splitNul(text: string): string[] {
  const parts = text.split("\0");
  if (parts.at(-1) === "") parts.pop();
  return parts;
}
