// One deployment as a line: how it stands, what, into where, who and why, when.
import { versionName } from "../../../src/domain/name.ts";
import { ago, fullTime, useNow } from "../clock.ts";
import type { Deployment } from "../journal.ts";
import { hashOf } from "../place.ts";
import { Badge } from "./badge.tsx";

export function DeploymentRow({ deployment, withEnvironment }: { deployment: Deployment; withEnvironment?: boolean }) {
  const { run } = deployment;
  const now = useNow();
  return (
    <li className="deployment-row">
      <a href={hashOf({ screen: "deployment", id: run.id })}>
        <Badge run={run} />
        <b>{versionName(run.release.version)}</b>
        {withEnvironment === true && <span className="muted">in {run.environment}</span>}
        <span className="why">{whyOf(deployment)}</span>
        <time className="muted" dateTime={new Date(run.requestedAt).toISOString()} title={fullTime(run.requestedAt)}>
          {run.by}, {ago(run.requestedAt, now)}
        </time>
      </a>
    </li>
  );
}

function whyOf({ run }: Deployment): string {
  if (run.phase.kind === "ended" && run.phase.because !== undefined) return run.phase.because;
  return run.reason ?? (run.rollbackOf === undefined ? "" : "a return to an earlier release");
}
