// One machine as a place to deploy to: its host, and all that the engine's ports need of it.

import { addressOf, isSecure } from "../../../domain/address.ts";
import type { Config, EnvironmentConfig } from "../../../domain/config/config.ts";
import { publicNames } from "../../../domain/config/resolve.ts";
import type { RevisionId } from "../../../domain/frame.ts";
import { environmentNamed, intentFor } from "../../../domain/intent.ts";
import type { Intent, ServiceName, Standing } from "../../../domain/plan.ts";
import { Problem } from "../../../domain/problem.ts";
import { configOf, type Digest, type Release, type RevisionSpec, revisionsFor } from "../../../domain/release.ts";
import { restarted } from "../../../domain/restart.ts";
import type { Jobs, MetricSource, Target } from "../../../engine/ports.ts";
import type { Maintenance, MaintenanceWish } from "../../../host/api.ts";
import type { HostClient } from "../../../host/client.ts";
import type { ScheduledJob } from "../../../host/schedule/schedules.ts";
import { certificateFiles } from "../../acme/certificate-files.ts";
import type { CertificateKeeper } from "../../acme/keeper.ts";
import type { KeptRevision, Revisions } from "../../revisions/revision-file.ts";
import type { Secrets } from "../../secrets/secret-file.ts";
import { environmentValues } from "./environment-values.ts";
import { hostJobs } from "./jobs.ts";
import { hostMetrics } from "./metrics.ts";
import { placementOf } from "./placement.ts";
import { type RunnableParts, replicaSpecOf } from "./runnable.ts";
import { scheduledJobs } from "./scheduled.ts";
import { processesTarget } from "./target.ts";

export interface MachineOptions {
  readonly dataFolder: string;
  readonly staticProgram: string;
  readonly host: HostClient;
  readonly secrets: Secrets;
  readonly revisions: Revisions;
  readonly digest: Digest;
  release(id: string): Promise<Release>;
  unpack: RunnableParts["unpack"];
  imageIn: RunnableParts["imageIn"];
  readonly certificates: Pick<CertificateKeeper, "want" | "mustHave">;
  /** URL of a database of a service's own on the embedded server. */
  database(options: { readonly environment: string; readonly name: string }): Promise<string>;
}

export interface Machine {
  readonly metrics: MetricSource;
  readonly jobs: Jobs;
  target(environment: string, service: ServiceName): Promise<Target>;
  /** The environment as the release has it that a revision came with; undefined of a revision that was never here. */
  configured(environment: string, revision: RevisionId): Promise<EnvironmentConfig | undefined>;
  /** What a release wants of an environment; its revisions are kept so that they can be started here. */
  intend(release: Release, environment: string): Promise<Intent>;
  /** The same for what stands, unchanged, each revision under a name of its own. */
  restart(
    release: Release,
    environment: string,
    what: { readonly stands: Standing; readonly tag: string },
  ): Promise<Intent>;
  /** False when there is no such service here. */
  maintain(place: { environment: string; service: ServiceName }, wish: MaintenanceWish): Promise<boolean>;
  inMaintenance(environment: string): Promise<Readonly<Record<ServiceName, Maintenance>>>;
  /** The jobs of what stands in an environment. */
  scheduled(
    environment: string,
    what: { readonly release: string; readonly stands: Standing },
  ): Promise<readonly ScheduledJob[]>;
  /** Where people reach the environment; undefined before anything was deployed to it. */
  publicUrl(environment: string): Promise<string | undefined>;
}

export function processMachine(options: MachineOptions): Machine {
  const { host, revisions, secrets } = options;
  const targets = new Map<string, Target>();

  /** A service through the router; a backing service where the release's configuration says it is, or made for it. */
  async function urlOf(
    { environment, release, secrets: versions }: KeptRevision,
    name: string,
  ): Promise<string | undefined> {
    const backing = configOf(await options.release(release)).environments[environment]?.backing;
    const given = name === "postgres" || name === "redis" ? backing?.[name]?.url?.secret : undefined;
    if (given !== undefined) return secrets.value(environment, given, versions[given]);
    if (name === "postgres" && backing?.postgres !== undefined) return options.database({ environment, name });
    const seen = await host.get(`${environment}/${name}`);
    return seen === undefined ? undefined : `http://127.0.0.1:${seen.internalPort}`;
  }

  function keptOf(environment: string, revision: string): KeptRevision {
    const kept = revisions.get(environment, revision);
    if (kept !== undefined) return kept;
    throw new Problem(`${revision} is not known in ${environment}`, "Deploy its release again");
  }

  const parts: RunnableParts = {
    dataFolder: options.dataFolder,
    staticProgram: options.staticProgram,
    unpack: options.unpack,
    imageIn: options.imageIn,
    values: (env, kept) =>
      environmentValues(env, {
        environment: kept.environment,
        secrets: kept.secrets,
        secret: (name, version) => secrets.value(kept.environment, name, version),
        url: (name) => urlOf(kept, name),
      }),
  };

  async function publicUrl(environment: string): Promise<string | undefined> {
    const key = (await host.services()).find((service) => service.startsWith(`${environment}/`));
    const seen = key === undefined ? undefined : await host.get(key);
    return seen?.entryUrl;
  }

  async function intentOf(release: Release, environment: string, wanted: Standing): Promise<Intent> {
    const config = configOf(release);
    const here = environmentNamed(config, environment);
    const standing = await publicUrl(environment);
    const port = here.port === 0 && standing !== undefined ? new URL(standing).port : here.port;
    // As this release will have it: with TLS, or without it from now on.
    const url = addressOf({ domain: here.domain, isSecure: isSecure(here.entry), port });
    return intentFor({ config, environment, revisions: wanted, publicUrl: url });
  }

  /** Before anything moves: a name that does not lead here stops the deployment while nothing has changed. */
  async function certify({ environment, spec, release, placedBy = release }: KeptRevision): Promise<void> {
    if (spec.ingress === undefined) return;
    const { certificates } = options;
    const domains = certifiedNames(configOf(await options.release(placedBy)), environment, spec);
    certificates.want(environment, spec.entry?.acme && { ...spec.entry.acme, domains });
    certificates.mustHave(environment);
  }

  /** Where a job runs: as a replica of the revision would, and told where people reach the environment. */
  async function jobPlace(environment: string, revision: string) {
    const { folder, env, user, container } = await replicaSpecOf(keptOf(environment, revision), parts);
    const url = await publicUrl(environment);
    return {
      folder,
      env: { ...env, ...(url === undefined ? {} : { BASE_URL: url }) },
      ...(user === undefined ? {} : { user }),
      ...(container === undefined ? {} : { container }),
    };
  }

  return {
    publicUrl,
    maintain: ({ environment, service }, wish) => host.maintain(`${environment}/${service}`, wish),
    inMaintenance: async (environment) => {
      const keys = (await host.services()).filter((key) => key.startsWith(`${environment}/`));
      const seen = await Promise.all(keys.map(async (key) => [key.split("/")[1] ?? key, await host.get(key)] as const));
      return Object.fromEntries(seen.flatMap(([name, s]) => (s?.maintenance ? [[name, s.maintenance]] : [])));
    },
    metrics: hostMetrics(host),
    configured: async (environment, revision) => {
      const kept = revisions.get(environment, revision);
      return kept && configOf(await options.release(kept.release)).environments[environment];
    },
    jobs: hostJobs({
      host,
      release: options.release,
      place: async ({ environment, release }, service) => {
        const wanted = revisionsFor(await options.release(release.id), {
          environment,
          secretVersions: secrets.versions(environment),
          digest: options.digest,
        });
        const revision = wanted[service]?.revision;
        if (revision === undefined) throw new Problem(`the release has no service ${service}`, "Name one in the job");
        return jobPlace(environment, revision);
      },
    }),
    scheduled: async (environment, { release, stands }) => {
      const { version, ...frozen } = await options.release(release);
      const config = configOf({ version, ...frozen });
      const place = (revision: string) => jobPlace(environment, revision);
      return scheduledJobs({ config, environment, stands, version, place });
    },
    target: async (environment, service) => {
      const key = `${environment}/${service}`;
      const known = targets.get(key);
      if (known !== undefined) return known;
      const target = processesTarget({
        host,
        key,
        placement: async (revision) => {
          const { spec, release, placedBy = release } = keptOf(environment, revision);
          const config = configOf(await options.release(placedBy));
          const here = config.environments[environment];
          if (here === undefined) return placementOf(spec, environment, { port: 0 });
          const names = certifiedNames(config, environment, spec);
          const issued = names.map((host) => ({ ...certificateFiles(options.dataFolder, host), host }));
          return placementOf(spec, environment, { ...here, issued });
        },
        runnable: async (revision) => {
          const kept = keptOf(environment, revision);
          await certify(kept);
          return replicaSpecOf(kept, parts);
        },
      });
      targets.set(key, target);
      return target;
    },
    intend: async (release, environment) => {
      const versions = secrets.versions(environment);
      const wanted = revisionsFor(release, { environment, secretVersions: versions, digest: options.digest });
      for (const [service, { revision, spec }] of Object.entries(wanted)) {
        revisions.keep({
          revision,
          environment,
          service,
          spec,
          secrets: versions,
          version: release.version,
          release: release.id,
        });
      }
      const found = Object.entries(wanted).map(([name, { revision }]) => [name, revision]);
      return intentOf(release, environment, Object.fromEntries(found));
    },
    restart: async (release, environment, { stands, tag }) => {
      const known = Object.entries(stands).filter(([name]) => release.services[name] !== undefined);
      const again = known.map(([name, standing]): [ServiceName, string] => {
        const revision = restarted(standing, tag);
        revisions.keep({ ...keptOf(environment, standing), revision });
        return [name, revision];
      });
      return intentOf(release, environment, Object.fromEntries(again));
    },
  };
}

/** Those that an authority is asked for: every public name of the environment, whichever service says it. */
function certifiedNames(config: Config, environment: string, { entry }: RevisionSpec): readonly string[] {
  return entry?.acme === undefined ? [] : publicNames(config, environment);
}
