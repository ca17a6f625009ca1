// After the end: holds what was brought against the conditions of its watch, and asks for its return when one has held for
// its time. What nobody can tell takes nothing back.
import { watchedServices, watchedUntil } from "../domain/aftermath.ts";
import { isInterval } from "../domain/evidence.ts";
import type { Ms } from "../domain/frame.ts";
import { minutes } from "../domain/minutes.ts";
import { Problem } from "../domain/problem.ts";
import type { Run } from "../domain/run.ts";
import { type Condition, findingOf, nameOf, recordedSight, type Seen, type Sight, sees } from "../domain/watch.ts";
import type { Surroundings } from "./advance.ts";
import type { Attempt } from "./attempt.ts";
import type { After } from "./ports.ts";

const lookEveryMs: Ms = 5_000;

export async function attemptWatch(_task: unknown, run: Run, around: Surroundings): Promise<Attempt> {
  const { after, clock } = around.ports;
  const until = watchedUntil(run);
  if (after === undefined || until === undefined) return { dueInMs: Number.POSITIVE_INFINITY };
  const standing = await after.standing(run.id);
  if (standing === "gone") return { dueInMs: until - clock.now() };
  // While another is under way, its own gates look.
  if (standing === "moving") return { dueInMs: lookEveryMs };
  for (const condition of run.plan?.watch?.conditions ?? []) {
    for (const service of watchedServices(run, condition)) {
      const found = await held(condition, service, { run, around, after });
      if (found === undefined) continue;
      const { seen, sight, heldMs } = found;
      const asks = run.plan?.watch?.manualApprovalRequired === true;
      const because = condition.forMs > 0 ? `${seen.because}, for ${minutes(condition.forMs)}` : seen.because;
      const findings = [findingOf(condition, seen, service)];
      const name = nameOf(condition, service);
      const looked = { sight: recordedSight(sight), heldMs };
      return { fact: { kind: "triggered", condition: name, because, findings, ...looked, asks }, dueInMs: 0 };
    }
  }
  return { dueInMs: Math.max(0, Math.min(lookEveryMs, until - clock.now())) };
}

interface Looking {
  readonly run: Run;
  readonly around: Surroundings;
  readonly after: After;
}

interface Held {
  readonly seen: Seen;
  readonly sight: Sight;
  readonly heldMs: Ms;
}

/** What is seen of a condition once it has held for its time without a break. */
async function held(condition: Condition, service: string, looking: Looking): Promise<Held | undefined> {
  const { memory, ports } = looking.around;
  const now = ports.clock.now();
  const key = JSON.stringify([condition, service]);
  const sight = await look(condition, service, looking);
  const seen = sight === undefined ? undefined : sees(condition, sight);
  if (sight === undefined || seen?.holds !== true) {
    memory.holding.delete(key);
    return undefined;
  }
  const since = memory.holding.get(key) ?? now;
  memory.holding.set(key, since);
  // Shares and quantiles are taken over the whole time; the rest is looked at again and again.
  const heldMs = condition.kind === "errors" || condition.kind === "latency" ? condition.forMs : now - since;
  return heldMs >= condition.forMs ? { seen, sight, heldMs } : undefined;
}

/** Undefined where there is nothing to look at yet. */
async function look(
  condition: Condition,
  service: string,
  { run, around, after }: Looking,
): Promise<Sight | undefined> {
  const { metrics, clock } = around.ports;
  const ended = run.phase.kind === "ended" ? run.phase : undefined;
  const revision = ended?.stands[service];
  if (ended === undefined || revision === undefined) return undefined;
  const { environment } = run;
  const nothing = { service, intervals: [] };
  if (condition.kind === "metric") {
    const { source, query } = condition;
    return { ...nothing, ...(await metrics.sample({ environment, service, revision, source, query })) };
  }
  if (condition.kind === "health" || condition.kind === "part")
    return { ...nothing, ...(await after.health(environment, service)) };
  const since = clock.now() - condition.forMs;
  if (since < ended.at) return undefined;
  const read = await metrics.read({ environment, service, candidate: revision, since });
  return { service, intervals: read.filter(isInterval) };
}

/** The same run asks for the same deployment, however often: whoever dies in between asks again. */
export async function attemptReturn(_task: unknown, run: Run, { ports }: Surroundings): Promise<Attempt> {
  const { aftermath } = run;
  if (ports.after === undefined || aftermath === undefined) return { dueInMs: Number.POSITIVE_INFINITY };
  try {
    const { because, asks } = aftermath;
    const deployment = await ports.after.goBack(run, { because, asks });
    return { fact: { kind: "return asked", deployment }, dueInMs: 0 };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { fact: { kind: "return refused", because: `${error.message}. ${error.mend}` }, dueInMs: 0 };
  }
}
