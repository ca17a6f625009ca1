// One deployment, whole: the sentence of the moment, the plan as a strip, checks with their numbers, and its story.
import { useState } from "react";
import { versionName } from "../../../src/domain/name.ts";
import { tellNow } from "../../../src/domain/prose.ts";
import { ago, fullTime, lasted, useNow } from "../clock.ts";
import type { Deployment, Journal } from "../journal.ts";
import { newestFirst } from "../journal.ts";
import { Badge, standingWord } from "../part/badge.tsx";
import { Empty } from "../part/empty.tsx";
import { ExposureChart } from "../part/exposure-chart.tsx";
import { LastWords } from "../part/last-words.tsx";
import { StepDetail } from "../part/step-detail.tsx";
import { Strip } from "../part/strip.tsx";
import { Timeline } from "../part/timeline.tsx";
import { Title } from "../part/title.tsx";
import { Verbs } from "../part/verbs.tsx";
import { exposures, marks } from "../view/exposure.ts";
import { type Cell, keyOf, strip, type Wave } from "../view/strip.ts";
import { verbsFor } from "../view/verb.ts";

interface DeploymentScreenProps {
  readonly id: string;
  readonly deployment: Deployment | undefined;
  readonly journal: Journal;
  readonly isWaiting: boolean;
}

export function DeploymentScreen({ id, deployment, journal, isWaiting }: DeploymentScreenProps) {
  if (deployment === undefined) {
    return isWaiting ? null : (
      <Empty so={`There is no deployment ${id} here. To see those that are, type`} type="sluice history" />
    );
  }
  return <Whole deployment={deployment} isStanding={isStanding(deployment, journal)} />;
}

/** True for the last deployment that ended in its environment. */
function isStanding({ run }: Deployment, journal: Journal): boolean {
  const all = newestFirst(journal).filter((other) => other.run.environment === run.environment);
  return all[0]?.run.id === run.id;
}

function Whole({ deployment, isStanding: stands }: { deployment: Deployment; isStanding: boolean }) {
  const { run, events } = deployment;
  const now = useNow();
  const endAt = run.phase.kind === "ended" ? run.phase.at : Math.max(now, run.lastAt);
  const version = versionName(run.release.version);
  return (
    <>
      <Title says={`${standingWord(run)}: ${version} into ${run.environment} · Sluice`} />
      <div className="deployment-top">
        <Head deployment={deployment} endAt={endAt} />
        <Verbs deployment={run.id} verbs={verbsFor(run, stands)} />
      </div>
      <Plan deployment={deployment} now={endAt} />
      {Object.keys(run.plan?.services ?? {}).length > 0 && (
        <section className="card" aria-label="Exposure">
          <ExposureChart
            exposures={exposures(deployment)}
            marks={marks(events)}
            startAt={run.requestedAt}
            endAt={endAt}
            version={version}
          />
        </section>
      )}
      <LastWords run={run} />
      <section className="card" aria-label="Story">
        <h2>Story</h2>
        <Timeline events={events} />
      </section>
    </>
  );
}

function Head({ deployment: { run }, endAt }: { deployment: Deployment; endAt: number }) {
  const now = useNow();
  return (
    <header className="deployment-head">
      <div>
        <h1>
          {versionName(run.release.version)} <span className="muted">into</span> {run.environment}
        </h1>
        <Badge run={run} />
      </div>
      <p className="sentence">{tellNow(run, now)}</p>
      <p className="muted">
        {run.by},{" "}
        <time title={fullTime(run.requestedAt)} dateTime={new Date(run.requestedAt).toISOString()}>
          {ago(run.requestedAt, now)}
        </time>
        {run.reason === undefined ? "" : `: ${run.reason}`}
        {` · ${lasted(endAt - run.requestedAt)}`}
        {run.standingRelease === undefined ? "" : ` · from ${versionName(run.standingRelease.version)}`} ·{" "}
        <code title="deployment">{run.id}</code>
      </p>
    </header>
  );
}

function Plan({ deployment, now }: { deployment: Deployment; now: number }) {
  const waves = strip(deployment);
  const [picked, setPicked] = useState<string>();
  const cells = cellsOf(waves);
  const shown = cells.find((cell) => keyOf(cell.at) === picked) ?? tellingCell(cells);
  if (deployment.run.plan === undefined) return <Empty so="The plan is made when its turn comes." />;
  if (cells.length === 0) return <Empty so="Every service stands as this release wants it: there was nothing to do." />;
  return (
    <section className="card" aria-label="Plan">
      <Key deployment={deployment} />
      <Strip
        waves={waves}
        run={deployment.run}
        now={now}
        chosen={shown === undefined ? undefined : keyOf(shown.at)}
        choose={(cell) => setPicked(keyOf(cell.at))}
      />
      {shown !== undefined && <StepDetail cell={shown} deployment={deployment} now={now} />}
    </section>
  );
}

function Key({ deployment: { run } }: { deployment: Deployment }) {
  const stable = run.standingRelease === undefined ? undefined : versionName(run.standingRelease.version);
  return (
    <ul className="sides key-row" aria-label="Key">
      {stable !== undefined && (
        <li>
          <span className="key is-stable" aria-hidden="true" /> {stable}
        </li>
      )}
      <li>
        <span className="key is-candidate" aria-hidden="true" /> {versionName(run.release.version)}
      </li>
      <li className="muted">wide column: traffic; thin columns: capacity</li>
    </ul>
  );
}

function cellsOf(waves: readonly Wave[]): readonly Cell[] {
  return waves.flatMap(({ lanes }) => lanes.flatMap(({ cells }) => cells));
}

/** Until the reader picks one: what failed, else what is going on, else the last that was done. */
function tellingCell(cells: readonly Cell[]): Cell | undefined {
  return (
    cells.find(({ state }) => state === "failed") ??
    cells.find(({ state, step }) => state === "now" && step.kind === "bake") ??
    cells.find(({ state }) => state === "now") ??
    cells.findLast(({ state, step }) => state === "done" && step.kind === "bake") ??
    cells.findLast(({ state }) => state === "done") ??
    cells[0]
  );
}
