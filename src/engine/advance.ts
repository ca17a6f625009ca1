// One tick of one deployment: what follows from its state; else look at the world, ask for what should be, and say at
// most one thing that has become true. Everything here may die anywhere and be done again.
import type { Fact } from "../domain/event.ts";
import type { Ms } from "../domain/frame.ts";
import { follows, type Task, tasks } from "../domain/next.ts";
import { Problem, Temporary } from "../domain/problem.ts";
import type { Run } from "../domain/run.ts";
import type { Attempt } from "./attempt.ts";
import { attempts } from "./attempts.ts";
import type { Memory } from "./memory.ts";
import { Fenced, type Ports } from "./ports.ts";

export interface Advance {
  /** To be written at the run's position. */
  readonly fact?: Fact;
  /** With no fact: when to look again. */
  readonly dueInMs: Ms;
  /** What is being waited for, for people; not history. */
  readonly waiting: readonly string[];
}

export interface Surroundings {
  readonly ports: Ports;
  /** What this worker remembers of the run; losing it is harmless. */
  readonly memory: Memory;
  /** How often a run that only waits is looked at. */
  readonly tickMs?: Ms;
  /** Intervals end for all runs at once. Where there are many, each is judged so much later, and none has to queue. */
  readonly spreadMs?: Ms;
}

const laterMs: Ms = 10_000;

export async function advance(run: Run, around: Surroundings): Promise<Advance> {
  const fact = follows(run, around.ports.clock.now());
  if (fact !== undefined) return { fact, dueInMs: 0, waiting: [] };
  const waits: Attempt[] = [];
  for (const task of tasks(run)) {
    const answer = await attempted(task, run, around);
    if (answer.fact !== undefined) return { fact: answer.fact, dueInMs: 0, waiting: [] };
    waits.push(answer);
  }
  return {
    dueInMs: Math.min(laterMs, ...waits.map((wait) => wait.dueInMs)),
    waiting: waits.flatMap((wait) => (wait.waiting === undefined ? [] : [wait.waiting])),
  };
}

/** An answer that does not come is no answer: patience goes on, and ends the step when it is used up. */
async function attempted(task: Task, run: Run, around: Surroundings): Promise<Attempt> {
  try {
    return await attempts[task.kind](task as never, run, around);
  } catch (error) {
    const because = told(error, around.ports);
    const isOver = task.kind === "attempt" && around.ports.clock.now() - task.state.since >= task.step.withinMs;
    if (task.kind !== "attempt" || !(isOver || error instanceof Problem)) return { dueInMs: 500, waiting: because };
    return { fact: { kind: "step failed", node: task.node.id, step: task.index, because }, dueInMs: 0 };
  }
}

/** What an error says; one that only a bug can make surfaces, and the run still ends by its deadlines. */
function told(error: unknown, { report }: Ports): string {
  if (error instanceof Temporary) return error.message;
  if (error instanceof Problem) return `${error.message}. ${error.mend}`;
  if (error instanceof Fenced || report === undefined) throw error;
  report(error);
  return error instanceof Error ? error.message : String(error);
}
