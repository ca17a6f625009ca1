// Counts who has seen an unproven candidate, and says so before there are more than may.
import { isInterval, type Observation } from "../domain/evidence.ts";
import { countedSoFar, requestsOf } from "../domain/exposure.ts";
import type { Ms } from "../domain/frame.ts";
import type { Task } from "../domain/next.ts";
import type { PlannedService } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import type { Surroundings } from "./advance.ts";
import type { Attempt } from "./attempt.ts";
import type { Exposed } from "./memory.ts";

type GuardTask = Extract<Task, { readonly kind: "guard" }>;

const lookEveryMs: Ms = 1000;

export async function attemptGuard({ service }: GuardTask, run: Run, around: Surroundings): Promise<Attempt> {
  const planned = run.plan?.services[service];
  const exposure = planned?.exposure;
  if (planned === undefined || exposure === undefined) return { dueInMs: lookEveryMs };
  const { requestsMax, users } = exposure;
  if (requestsMax !== undefined) {
    const { requests, pending } = await countRequests(service, planned, run, around);
    // What has come since the last count is counted in: the limit is kept, not noticed.
    if (requests + pending >= requestsMax) return spent(service, "requests", requests, requestsMax);
  }
  if (users !== undefined) {
    const { source, query, max } = users;
    const revision = planned.candidate;
    const sample = await around.ports.metrics.sample({
      environment: run.environment,
      service,
      revision,
      source,
      query,
    });
    if ("value" in sample && sample.value >= max) return spent(service, "users", sample.value, max);
  }
  return { dueInMs: lookEveryMs };
}

function spent(service: string, of: "requests" | "users", counted: number, limit: number): Attempt {
  return { fact: { kind: "budget spent", service, of, counted, limit }, dueInMs: 0 };
}

/** Since its turn came, before which the candidate had no traffic; kept as evidence, so that a crash forgets none. */
async function countRequests(service: string, planned: PlannedService, run: Run, { ports, memory }: Surroundings) {
  const at = { deployment: run.id, node: `exposure ${service}`, step: 0, service };
  const known = memory.exposed.get(service) ?? exposedTo({ requests: 0 }, await ports.evidence.get(at));
  const begun = run.nodes[service]?.since ?? run.requestedAt;
  const fresh = await ports.metrics.read({
    environment: run.environment,
    service,
    candidate: planned.candidate,
    since: known.last?.endMs ?? run.plannedAt ?? begun,
  });
  if (fresh.length > 0) await ports.evidence.put(at, fresh);
  const exposed = exposedTo(known, fresh);
  memory.exposed.set(service, exposed);
  return countedSoFar(exposed.requests, exposed.last, ports.clock.now());
}

function exposedTo(before: Exposed, observations: readonly Observation[]): Exposed {
  return observations
    .filter(isInterval)
    .reduce(({ requests }, last) => ({ requests: requests + requestsOf(last), last }), before);
}
