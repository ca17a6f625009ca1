// An environment as its card shows it: what stands, what moves, what waits, and how the last deployments ended.
import { versionName } from "../../../src/domain/name.ts";
import type { IntendedService, ServiceName } from "../../../src/domain/plan.ts";
import { type Deployment, type Journal, newestFirst } from "../journal.ts";
import { broughtBy, frameNow, type Side, sidesOf } from "./share.ts";

export interface EnvironmentView {
  readonly name: string;
  /** "v2", of the last deployment that succeeded; absent before the first. */
  readonly version?: string;
  readonly active?: Deployment;
  readonly queued: readonly Deployment[];
  /** Ended ones, newest first. */
  readonly ended: readonly Deployment[];
  readonly services: readonly ServiceView[];
}

export interface ServiceView {
  readonly name: ServiceName;
  readonly serves: boolean;
  readonly isMoving: boolean;
  /** Empty while the service does not run, or nobody knows what stands. */
  readonly sides: readonly Side[];
}

export function environments(journal: Journal): readonly EnvironmentView[] {
  const all = newestFirst(journal);
  const names = [...new Set(all.map(({ run }) => run.environment))].sort();
  return names.map((name) =>
    view(
      name,
      all.filter(({ run }) => run.environment === name),
      broughtBy(journal),
    ),
  );
}

function view(name: string, all: readonly Deployment[], brought: ReadonlyMap<string, string>): EnvironmentView {
  const ended = all.filter(({ run }) => run.phase.kind === "ended");
  const active = all.findLast(({ run }) => run.phase.kind !== "ended" && run.phase.kind !== "queued");
  const succeeded = ended.find(({ run }) => run.phase.kind === "ended" && run.phase.outcome === "succeeded");
  return {
    name,
    ...(succeeded === undefined ? {} : { version: versionName(succeeded.run.release.version) }),
    ...(active === undefined ? {} : { active }),
    queued: all.filter(({ run }) => run.phase.kind === "queued").reverse(),
    ended,
    services: services({ all, active, ended, brought }),
  };
}

interface Known {
  readonly all: readonly Deployment[];
  readonly active: Deployment | undefined;
  readonly ended: readonly Deployment[];
  readonly brought: ReadonlyMap<string, string>;
}

function services(known: Known): readonly ServiceView[] {
  const intended = new Map<ServiceName, IntendedService>();
  for (const { run } of [...known.all].reverse()) {
    for (const [name, service] of Object.entries(run.intent.services)) intended.set(name, service);
  }
  return [...intended].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, service]) => serviceView(name, service, known));
}

function serviceView(name: ServiceName, { size, serves }: IntendedService, known: Known): ServiceView {
  const moving = known.active === undefined ? undefined : frameNow(known.active, name);
  if (known.active !== undefined && moving !== undefined) {
    return { name, serves, isMoving: true, sides: sidesOf(moving, { run: known.active.run, service: name, size }) };
  }
  return { name, serves, isMoving: false, sides: standingSides(name, { size, serves }, known) };
}

function standingSides(
  name: ServiceName,
  { size, serves }: { size: number; serves: boolean },
  { ended, brought }: Known,
): readonly Side[] {
  const [last] = ended;
  const revision = last?.run.phase.kind === "ended" ? last.run.phase.stands[name] : undefined;
  if (revision === undefined) return [];
  return [
    {
      revision,
      name: brought.get(revision) ?? revision,
      role: "stable",
      traffic: serves ? 100 : 0,
      capacity: 100,
      replicas: size,
    },
  ];
}
