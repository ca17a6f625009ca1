// A fresh directory for each build, and nothing of it afterwards. What a killed runner left is found by the next one: its
// processes are ended and its directory goes.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOf } from "../workspace/tasks/lock.ts";

export interface Place {
  readonly source: string;
  readonly home: string;
  readonly temporary: string;
  /** Remembers a process group of this build, for whoever has to clean up. */
  note(pid: number): void;
  remove(): void;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export function makePlace(work: string, build: string, chown: (folder: string) => void): Place {
  const folder = join(work, build);
  rmSync(folder, { recursive: true, force: true });
  const [source, home, temporary] = ["source", "home", "tmp"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(work, { recursive: true, mode: 0o755 });
  for (const each of [folder, source, home, temporary]) {
    mkdirSync(each, { mode: 0o700 });
    chown(each);
  }
  return {
    source,
    home,
    temporary,
    note: (pid) => writeFileSync(join(work, `${build}.group`), `${pid} ${startOf(pid)}`),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      rmSync(join(work, `${build}.group`), { force: true });
    },
  };
}

/** Ends and removes what builds left that no runner looks after any more. One runner works in a folder. */
export function sweep(work: string): void {
  mkdirSync(work, { recursive: true });
  for (const name of readdirSync(work)) {
    const at = join(work, name);
    if (name.endsWith(".group")) {
      const [pid = "", start = ""] = readFileSync(at, "utf8").split(" ");
      if (start !== "" && startOf(Number(pid)) === start) endGroup(Number(pid));
    }
    if (/^b-[0-9a-f]+(\.group)?$/.test(name)) rmSync(at, { recursive: true, force: true });
  }
}

export function endGroup(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // nothing of the group is left
  }
}
