// Every environment at a glance: what stands, who carries the traffic, what is going on, how the last ones ended.
import type { EnvironmentHealth, ServiceHealth } from "../../../src/domain/health.ts";
import { versionName } from "../../../src/domain/name.ts";
import { tellNow } from "../../../src/domain/prose.ts";
import type { Answers } from "../../../src/server/routes/routes.ts";
import { ask } from "../api.ts";
import { useNow } from "../clock.ts";
import type { Deployment, Journal } from "../journal.ts";
import { Badge } from "../part/badge.tsx";
import { DemoTraffic } from "../part/demo-traffic.tsx";
import { DeploymentRow } from "../part/deployment-row.tsx";
import { Empty } from "../part/empty.tsx";
import { ServiceHealthLine } from "../part/service-health.tsx";
import { Title } from "../part/title.tsx";
import { TrafficBar } from "../part/traffic-bar.tsx";
import { hashOf } from "../place.ts";
import { usePolled } from "../polled.ts";
import { type EnvironmentView, environments } from "../view/environment.ts";

const everyMs = 1000;
const healthEveryMs = 5000;

export function OverviewScreen({ journal, isWaiting }: { journal: Journal; isWaiting: boolean }) {
  const views = environments(journal);
  const status = usePolled("status", lookAtStatus, everyMs);
  const urls = urlsOf(status);
  const health = usePolled("health", lookAtHealth, healthEveryMs);
  return (
    <>
      <Title says="Overview · Sluice" />
      <h1 className="for-listeners">Overview</h1>
      {status?.traffic !== undefined && <DemoTraffic traffic={status.traffic} />}
      {views.length === 0 && !isWaiting && (
        <Empty so="Nothing was deployed yet. In your repository, type" type="sluice deploy" />
      )}
      <div className="environments">
        {views.map((view) => (
          <EnvironmentCard
            key={view.name}
            view={view}
            url={urls.get(view.name)}
            health={health?.find(({ environment }) => environment === view.name)?.services ?? []}
          />
        ))}
      </div>
    </>
  );
}

/** What the journal does not know: where people reach an environment, and the traffic of a demonstration. */
async function lookAtStatus(): Promise<Answers["status"] | undefined> {
  const answer = await ask<Answers["status"]>("/status");
  return answer.ok ? answer.value : undefined;
}

/** Nothing where no host answers: what does not run on a machine of Sluice's has its health elsewhere. */
async function lookAtHealth(): Promise<readonly EnvironmentHealth[]> {
  const answer = await ask<Answers["servicesHealth"]>("/services/health");
  return answer.ok ? answer.value.environments : [];
}

function urlsOf(status: Answers["status"] | undefined): ReadonlyMap<string, string> {
  const environments = status?.environments ?? [];
  return new Map(environments.flatMap(({ name, url }) => (url === undefined ? [] : [[name, url]])));
}

interface Card {
  readonly view: EnvironmentView;
  readonly url: string | undefined;
  readonly health: readonly ServiceHealth[];
}

function EnvironmentCard({ view, url, health }: Card) {
  const { name, version, active, queued, ended, services } = view;
  return (
    <section className="card environment" aria-label={name}>
      <header>
        <h2>{name}</h2>
        {url !== undefined && (
          <a className="address" href={url} target="_blank" rel="noreferrer">
            {url.replace(/^https?:\/\//, "")}
          </a>
        )}
        <p className="stands">
          {version === undefined ? (
            "nothing stands yet"
          ) : (
            <>
              stands on <b>{version}</b>
            </>
          )}
        </p>
      </header>
      <Now active={active} />
      {queued.length > 0 && (
        <p className="queue muted">
          Waiting for their turn: {queued.map(({ run }) => versionName(run.release.version)).join(", ")}
        </p>
      )}
      <ul className="services">
        {services.map((service) => (
          <li key={service.name}>
            <h3>{service.name}</h3>
            <TrafficBar service={service} />
            {health
              .filter((one) => one.service === service.name)
              .map((one) => (
                <ServiceHealthLine key={one.service} health={one} />
              ))}
          </li>
        ))}
      </ul>
      <h3 className="label">Last deployments</h3>
      <ul className="rows">
        {ended.slice(0, 4).map((deployment) => (
          <DeploymentRow key={deployment.run.id} deployment={deployment} />
        ))}
        {ended.length === 0 && <li className="muted">None has ended yet.</li>}
      </ul>
    </section>
  );
}

function Now({ active }: { active: Deployment | undefined }) {
  const now = useNow();
  if (active === undefined) return <p className="now is-calm">Nothing is moving.</p>;
  const { run } = active;
  return (
    <a className="now" href={hashOf({ screen: "deployment", id: run.id })}>
      <span>
        <Badge run={run} /> <b>{versionName(run.release.version)}</b>
      </span>
      <span>{tellNow(run, now)}</span>
    </a>
  );
}
