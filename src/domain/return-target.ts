// To which release an environment returns, and to which it may: the last that stood its bake here, never one that was
// itself taken back, and only within what the environment allows.
import type { EnvironmentConfig } from "./config/config.ts";
import type { ReleaseRef } from "./event.ts";
import type { Ms } from "./frame.ts";
import type { ServiceName, Standing } from "./plan.ts";
import { activeNodes } from "./progress.ts";
import type { Run } from "./run.ts";

export interface Here {
  readonly stands: Standing;
  readonly release?: ReleaseRef;
}

/** What one may return to: a deployment that brought it, newest first. */
export interface ReturnTarget {
  readonly release: ReleaseRef;
  readonly deployment: string;
  readonly endedAt: Ms;
  /** Its gates were skipped, or it was taken back: it may be named, and is never chosen. */
  readonly isDoubtful: boolean;
}

/** `history`: deployments of the environment, newest first. `services`: those that shall return; all when undefined. */
export function returnTargets(
  history: readonly Run[],
  here: Here,
  services?: readonly ServiceName[],
): readonly ReturnTarget[] {
  const seen = new Set<string>();
  return history.flatMap((run) => {
    if (run.phase.kind !== "ended" || run.phase.outcome !== "succeeded" || !isNew(run)) return [];
    const { stands, at } = run.phase;
    const differs =
      services === undefined
        ? run.release.id !== here.release?.id
        : services.some((name) => stands[name] !== undefined && stands[name] !== here.stands[name]);
    if (!differs || seen.has(run.release.id)) return [];
    seen.add(run.release.id);
    const isDoubtful = run.full !== undefined || wasTakenBack(run, history);
    return [{ release: run.release, deployment: run.id, endedAt: at, isDoubtful }];
  });
}

/** A release that came here whole by a deployment of its own. */
function isNew({ purpose, rollbackOf, intent }: Run): boolean {
  return purpose === undefined && rollbackOf === undefined && intent.isPart !== true;
}

function wasTakenBack(run: Run, history: readonly Run[]): boolean {
  return history.some((other) => other.rollbackOf === run.id && isOver(other));
}

function isOver({ phase }: Run): boolean {
  return phase.kind === "ended" && (phase.outcome === "succeeded" || phase.outcome === "stuck");
}

/** The one that is chosen when nobody names one: made before what stands, where that is known. */
export function defaultTarget(targets: readonly ReturnTarget[], brought?: Run): ReturnTarget | undefined {
  const sound = targets.filter(({ isDoubtful }) => !isDoubtful);
  const before = sound.filter(({ endedAt }) => brought === undefined || endedAt <= brought.requestedAt);
  return before[0] ?? (brought === undefined ? sound[0] : undefined);
}

/** The deployment that brought what stands: itself no return to something older, where there is such a one. */
export function bringerOf(history: readonly Run[], { release }: Here): Run | undefined {
  const brought = history.filter(
    ({ phase, ...run }) => phase.kind === "ended" && phase.outcome === "succeeded" && run.release.id === release?.id,
  );
  return brought.find(isNew) ?? brought[0];
}

type Rules = EnvironmentConfig["rollback"];

export interface Made extends ReleaseRef {
  /** When it was recorded. */
  readonly at: Ms;
}

/** Why an environment does not let a release come back, or nothing. */
export function refusedReturn(target: Made, rules: Rules, oldest: Made | undefined): string | undefined {
  const isListed = rules.versions === undefined || rules.versions.some((pattern) => matches(pattern, target));
  if (!isListed) return `one may only return to ${rules.versions?.join(" or ")}`;
  if (oldest !== undefined && target.at < oldest.at) return `one may return to nothing older than ${oldest.version}`;
  return undefined;
}

function matches(pattern: string, { id, version }: ReleaseRef): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const whole = new RegExp(`^${parts.join(".*")}$`);
  return whole.test(version) || whole.test(`v${version}`) || whole.test(id);
}

/** A rollback that waits for somebody's yes before anything moves: one that a watch brought about. */
export function asksToReturn(run: Run): boolean {
  return run.purpose === "rollback" && activeNodes(run).some(({ node }) => node.id === "admission");
}
