// What a release wants of an environment, as planning needs it: from frozen config to `Intent`. Pure, so that a dry run
// in the CLI and the server's plan come to the same.
import type { Config, EnvironmentConfig } from "./config/config.ts";
import { nearest, oneOf } from "./config/nearest.ts";
import { checksIn, hostIn, jobsIn, type ResolvedService, serviceIn, strategyIn, watchIn } from "./config/resolve.ts";
import type { Ms, RevisionId, Route } from "./frame.ts";
import type { IntendedService, Intent, ServiceName } from "./plan.ts";
import { Problem } from "./problem.ts";
import type { Gate } from "./strategy.ts";

/** A candidate that has no traffic yet answers requests with this header, whatever the weights say. */
const previewHeader = { header: "x-sluice-preview", value: "candidate" } as const;

const moveWithinMs: Ms = 600_000;

export interface IntentParts {
  readonly config: Config;
  readonly environment: string;
  /** Of the services that the release holds. */
  readonly revisions: Readonly<Record<ServiceName, RevisionId>>;
  /** Where the outside finds the environment: probes that name only a path are sent there. */
  readonly publicUrl: string;
}

export function intentFor({ config, environment, revisions, publicUrl }: IntentParts): Intent {
  const here = environmentNamed(config, environment);
  refuseWhatIsNotThere(here, environment);
  const checks = checksIn(config, environment, publicUrl);
  const strategy = strategyIn(config, environment, checks);
  const { after, gate } = jobsIn(config, environment);
  const admission = admissionTo(here);
  const watch = watchIn(config, environment);
  const intended = ([name, revision]: [ServiceName, RevisionId]): [ServiceName, IntendedService] => {
    const service = serviceIn(config, environment, name);
    return [
      name,
      {
        revision,
        size: Math.max(service.replicas, service.autoscaling?.min ?? 0),
        serves: service.kind !== "worker",
        strategy,
        dependsOn: service.dependsOn,
        withinMs: Math.max(moveWithinMs, 2 * (service.health.startWithin + service.drainTimeout + service.grace)),
        preview: previewOf(service, revision, here),
      },
    ];
  };
  const bake = { kind: "bake", lastsMs: here.bake, checks, withinMs: here.bake + here.hold.within } as const;
  return {
    services: Object.fromEntries(Object.entries(revisions).map(intended)),
    ...(admission.length > 0 ? { admission } : {}),
    queue: here.queue,
    verify: [...after, ...(here.bake > 0 ? [bake] : []), ...gate],
    onFailure: here.autoRollback ? "rollback" : "hold",
    // Where nothing goes back by itself, neither does a hold that nobody answered.
    hold: { withinMs: here.hold.within, onDeadline: here.autoRollback ? here.hold.onDeadline : "stay" },
    backWithinMs: here.rollback.within,
    ...(watch === undefined ? {} : { watch }),
  };
}

function admissionTo({ approvals }: EnvironmentConfig): readonly Gate[] {
  if (approvals === undefined) return [];
  const { quorum, roles, note, within } = approvals;
  return [{ kind: "approve", policy: { quorum, roles, ...(note === undefined ? {} : { note }) }, withinMs: within }];
}

/** A Problem with a near name when there is no such environment. */
export function environmentNamed(config: Config, name: string): EnvironmentConfig {
  const found = config.environments[name];
  if (found !== undefined) return found;
  const names = Object.keys(config.environments);
  const meant = nearest(name, names);
  throw new Problem(
    `There is no environment "${name}"`,
    meant === undefined ? `sluice.config.ts names ${oneOf(names)}` : `Did you mean "${meant}"?`,
  );
}

function refuseWhatIsNotThere({ target, backing }: EnvironmentConfig, environment: string): void {
  if (target.kind !== "processes") {
    throw new Problem(
      `${environment} runs on "${target.kind}", which this version of Sluice cannot deploy to yet`,
      'Use target: { kind: "processes" }',
    );
  }
  if (backing.redis !== undefined && backing.redis.url === undefined) {
    throw new Problem(
      `${environment} wants a Redis, which Sluice cannot start on this machine`,
      'Name one that runs: redis: { url: { secret: "REDIS_URL" } }',
    );
  }
}

/** What a candidate answers while it stands beside the stable side, whatever the weights say. */
function previewOf(
  { ingress, traffic }: ResolvedService,
  revision: RevisionId,
  { domain }: EnvironmentConfig,
): readonly Route[] {
  const host = ingress?.previewHost;
  const rules = [
    previewHeader,
    ...(host === undefined ? [] : [{ host: hostIn(domain, host) }]),
    ...(traffic?.candidateWhen ?? []),
  ];
  return rules.map((match) => ({ match, to: revision }));
}
