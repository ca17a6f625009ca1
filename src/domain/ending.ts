// How a deployment ends: what stands then, which release brought each service, and what the environment is called.
import type { Fact, Outcome, ReleaseRef, Releases } from "./event.ts";
import type { ServiceName, Standing } from "./plan.ts";
import { hasMoved } from "./progress.ts";
import type { Run } from "./run.ts";

export interface Ending {
  readonly outcome: Outcome;
  readonly because?: string;
  /** Services of which nobody knows where they stand. */
  readonly inDoubt?: readonly ServiceName[];
}

export function ended(run: Run, { outcome, because, inDoubt = [] }: Ending): Fact {
  const isForward = outcome === "succeeded" || (outcome === "stuck" && run.phase.kind !== "retreating");
  const stands = without(isForward ? standsAfter(run) : (run.stands ?? {}), inDoubt);
  const label = isForward ? labelAfter(run) : run.standingRelease;
  return {
    kind: "ended",
    outcome,
    ...(because === undefined ? {} : { because }),
    stands,
    ...(label === undefined ? {} : { release: label }),
    ...releasesAfter(run, { stands, label, isForward }),
  };
}

/** A drill has returned; what was retired is gone; what was given up stayed where it was. */
function standsAfter(run: Run): Standing {
  const services = Object.entries(run.plan?.services ?? {});
  if (run.plan?.drill === true) return run.stands ?? {};
  const moved = services.filter(([name]) => hasMoved(run, name) && run.givenUp[name] === undefined);
  const gone = moved.flatMap(([name, { retires }]) => (retires === true ? [name] : []));
  const brought = Object.fromEntries(moved.map(([name, { candidate }]) => [name, candidate]));
  return without({ ...run.stands, ...brought }, gone);
}

/** A deployment of a part leaves the environment its name. */
function labelAfter(run: Run): ReleaseRef | undefined {
  const isWhole = run.plan?.isPart !== true && run.plan?.drill !== true;
  return isWhole ? run.release : run.standingRelease;
}

interface After {
  readonly stands: Standing;
  readonly label: ReleaseRef | undefined;
  readonly isForward: boolean;
}

/** Only those that are not the environment's own. */
function releasesAfter(run: Run, { stands, label, isForward }: After): { readonly releases?: Releases } {
  const { services = {}, unchanged = [], drill } = run.plan ?? {};
  const brings = (name: ServiceName) =>
    isForward &&
    drill !== true &&
    run.givenUp[name] === undefined &&
    (services[name] !== undefined || unchanged.includes(name));
  const releases = Object.keys(stands).flatMap((name): readonly (readonly [ServiceName, ReleaseRef])[] => {
    const release = brings(name) ? run.release : (run.standingReleases?.[name] ?? run.standingRelease);
    return release === undefined || release.id === label?.id ? [] : [[name, release]];
  });
  return releases.length === 0 ? {} : { releases: Object.fromEntries(releases) };
}

function without(stands: Standing, names: readonly ServiceName[]): Standing {
  return Object.fromEntries(Object.entries(stands).filter(([name]) => !names.includes(name)));
}
