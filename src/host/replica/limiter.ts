// Keeps replicas within their memory: by control groups where they can be made, else by looking once a second.
import { type Cgroups, groupName, type Limits } from "./cgroup.ts";
import { type GroupUsage, groupUsage, signalGroup } from "./process-identity.ts";

export interface Limiter {
  /** "control groups, version 2", "a look once a second" */
  readonly by: string;
  /** Before the start of a run; answers the folders that its shim writes itself into. */
  admit(run: string, limits: Limits): readonly string[];
  /** Once it has started, or was adopted. */
  watch(run: string, watched: { readonly pgid: number; readonly limits: Limits }): void;
  /** After its end, once: whether it was ended for its memory. `leave` removes what a runtime made below or beside. */
  release(run: string, leave?: () => void): { readonly wasOverMemory: boolean };
}

export function limiter(cgroups: Cgroups | undefined): Limiter {
  return cgroups === undefined ? byLooking() : byCgroups(cgroups);
}

function byCgroups(cgroups: Cgroups): Limiter {
  return {
    by: `control groups, version ${cgroups.version}`,
    admit: (run, limits) => cgroups.make(groupName(run), limits), // also without limits: nothing leaves its control group
    watch: () => {},
    release: (run, leave) => {
      const kills = cgroups.memoryKills(groupName(run));
      leave?.();
      cgroups.remove(groupName(run));
      return { wasOverMemory: kills > 0 };
    },
  };
}

const lookEveryMs = 1_000;

function byLooking(): Limiter {
  const watched = new Map<string, { pgid: number; limits: Limits; wasOverMemory: boolean }>();
  setInterval(() => {
    const used = watched.size === 0 ? new Map<number, GroupUsage>() : groupUsage();
    for (const one of watched.values()) {
      if ((used.get(one.pgid)?.memoryBytes ?? 0) <= (one.limits.memoryMiB ?? Number.POSITIVE_INFINITY) * 2 ** 20)
        continue;
      one.wasOverMemory = true;
      signalGroup(one.pgid, "SIGKILL");
    }
  }, lookEveryMs).unref();
  return {
    by: `a look every ${lookEveryMs / 1000} s`,
    admit: () => [],
    watch: (run, { pgid, limits }) => void watched.set(run, { pgid, limits, wasOverMemory: false }),
    release: (run, leave) => {
      leave?.();
      const wasOverMemory = watched.get(run)?.wasOverMemory ?? false;
      watched.delete(run);
      return { wasOverMemory };
    },
  };
}
