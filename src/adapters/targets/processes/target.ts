// Processes of one machine: the host runs the replicas and routes to them; we only say what should be.
import type { RevisionId } from "../../../domain/frame.ts";
import { Problem } from "../../../domain/problem.ts";
import { Fenced, type Target } from "../../../engine/ports.ts";
import type { ReplicaSpec } from "../../../host/api.ts";
import { type HostClient, HostFenced } from "../../../host/client.ts";
import { desiredService, type Placement, seenOf } from "./requests.ts";

export interface ProcessesOptions {
  readonly host: Pick<HostClient, "put" | "get">;
  /** "production/web" */
  readonly key: string;
  /** Where the outside finds the service, as this revision's release says. */
  placement(revision: RevisionId): Promise<Placement>;
  /** Unpacks the artifact and resolves the environment; the same revision again is cheap. */
  runnable(revision: RevisionId): Promise<ReplicaSpec>;
}

export function processesTarget({ host, key, placement, runnable }: ProcessesOptions): Target {
  const specs = new Map<RevisionId, ReplicaSpec>();
  // A dark service that was never placed: nobody finds it.
  let placed: Placement = {
    ingress: [],
    entry: { environment: key.split("/")[0] ?? key, port: 0 },
    buffer: { maxMs: 0, maxBytes: 0 },
  };
  return {
    powers: { traffic: "weighted" },
    publish: async (revision) => {
      if (!specs.has(revision)) specs.set(revision, await runnable(revision));
    },
    apply: async (frame, size, fence) => {
      const newest = Object.keys(frame.revisions).at(-1);
      if (newest !== undefined) placed = await placement(newest);
      try {
        await host.put(key, desiredService({ frame, size, fence, specs, placement: placed }));
      } catch (error) {
        throw error instanceof HostFenced ? refused(error, fence.journal) : error;
      }
    },
    observe: async () => seenOf(await host.get(key)),
    retire: async (revision) => {
      specs.delete(revision);
    },
  };
}

function refused({ present, message }: HostFenced, journal: string): Error {
  if (present.journal === journal) return new Fenced(message);
  return new Problem(
    `this host takes its commands from another journal (${present.journal})`,
    "Use that control plane, or hand the host over with `sluice host claim`",
  );
}
