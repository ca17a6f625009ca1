// What the demonstration does and measures: three releases under constant traffic, through the same doors as anyone's.
import type { ControlPlane } from "../../compose/control.ts";
import type { Event, Outcome } from "../../domain/event.ts";
import type { Ms } from "../../domain/frame.ts";
import type { Release } from "../../domain/release.ts";
import { fold, type Run } from "../../domain/run.ts";

export const environment = "production";

export interface Released {
  readonly version: number;
  readonly outcome: Outcome;
  readonly because?: string;
  /** From the candidate's first share of traffic to the verdict. */
  readonly detectedAfterMs?: Ms;
  /** From the verdict until the router reported all traffic on stable. */
  readonly backOnStableAfterMs?: Ms;
}

export interface Watch {
  readonly plane: ControlPlane;
  /** Told each fact as it is written. */
  readonly onEvent: (event: Event, run: Run) => void;
  readonly isStopped: () => boolean;
}

/** Deploys a release and watches it to its end. */
export async function deployAndWatch(release: Release, { plane, onEvent, isStopped }: Watch): Promise<Released> {
  const id = await plane.deploy({ release, environment, by: "demo" });
  const events: Event[] = [];
  let run: Run | undefined;
  while (run?.phase.kind !== "ended") {
    if (isStopped()) throw new Interrupted();
    for (const event of await plane.store.journal.read(id, events.length)) {
      events.push(event);
      run = fold([event], run);
      if (run !== undefined) onEvent(event, run);
    }
    await plane.clock.sleep(50);
  }
  return measured(Number(release.version), run, events);
}

/** Ctrl-C: not a failure, but the end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export function measured(version: number, run: Run, events: readonly Event[]): Released {
  if (run.phase.kind !== "ended") throw new Error(`version ${version} has not ended`);
  const { outcome, because } = run.phase;
  const verdict = events.find((event) => event.fact.kind === "judged" && event.fact.verdict === "fail");
  const shown = events.find((event) => firstShare(run, event));
  const back = events.find((event) => event.fact.kind === "walked back");
  return {
    version,
    outcome,
    ...(because === undefined ? {} : { because }),
    ...(verdict === undefined || shown === undefined ? {} : { detectedAfterMs: verdict.at - shown.at }),
    ...(verdict === undefined || back === undefined ? {} : { backOnStableAfterMs: back.at - verdict.at }),
  };
}

/** The step that gave the candidate its first traffic. */
function firstShare(run: Run, { fact }: Event): boolean {
  if (fact.kind !== "step done") return false;
  const step = run.plan?.nodes.find((node) => node.id === fact.node)?.steps[fact.step];
  const candidates = Object.values(run.plan?.services ?? {}).map((service) => service.candidate);
  return step?.kind === "set" && candidates.some((candidate) => (step.frame.revisions[candidate]?.traffic ?? 0) > 0);
}
