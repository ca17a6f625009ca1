// What one cell of the strip is, in words: the step, how it stands, and the checks with their numbers.

import type { Finding } from "../../../src/domain/check.ts";
import type { Ms } from "../../../src/domain/frame.ts";
import { minutes } from "../../../src/domain/minutes.ts";
import { tellCheck } from "../../../src/domain/phrase.ts";
import { clockTime } from "../clock.ts";
import type { Deployment } from "../journal.ts";
import type { Cell } from "../view/strip.ts";
import { Evidence } from "./evidence.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { Waiting } from "./waiting.tsx";

export function StepDetail({ cell, deployment, now }: { cell: Cell; deployment: Deployment; now: Ms }) {
  const judged = lastJudgement(cell, deployment);
  const compared = comparedService(cell, deployment);
  return (
    <section className="step-detail" aria-label="The chosen step">
      <h3>
        {cell.at.node.replace("settle ", "")}: {cell.phrase}
      </h3>
      <p className="muted">{stateSentence(cell, deployment, now)}</p>
      {isMoving(cell, deployment) && <Waiting id={deployment.run.id} />}
      {judged !== undefined && <p className={`verdict is-${judged.verdict}`}>{judged.because}</p>}
      {judged !== undefined && judged.findings.length > 0 && <Findings findings={judged.findings} />}
      {compared !== undefined && <Evidence id={deployment.run.id} service={compared} isLive={cell.state === "now"} />}
      {judged === undefined && cell.step.kind === "bake" && cell.step.checks.length > 0 && (
        <p className="muted">Checks: {cell.step.checks.map(tellCheck).join("; ")}</p>
      )}
    </section>
  );
}

/** The service whose two versions this bake compares, once it has begun. */
function comparedService({ at, step, state }: Cell, { run }: Deployment): string | undefined {
  const isCompared = step.kind === "bake" && step.checks.some(({ kind }) => kind === "comparison");
  const hasBegun = state === "now" || state === "done" || state === "failed";
  return isCompared && hasBegun ? run.plan?.nodes.find(({ id }) => id === at.node)?.service : undefined;
}

/** A step under way, or one that failed while the walk back goes on. */
function isMoving({ state }: Cell, { run }: Deployment): boolean {
  return run.phase.kind === "retreating" || (run.phase.kind === "running" && state === "now");
}

function lastJudgement({ at }: Cell, { events }: Deployment) {
  const found = events.findLast(({ fact }) => fact.kind === "judged" && fact.node === at.node && fact.step === at.step);
  return found?.fact.kind === "judged" ? found.fact : undefined;
}

function stateSentence({ at, state, step, doneAt }: Cell, { run }: Deployment, now: Ms): string {
  const since = run.nodes[at.node]?.since ?? now;
  switch (state) {
    case "done":
      return `Done at ${clockTime(doneAt ?? since)}`;
    case "skipped":
      return "Skipped: a person promoted";
    case "failed":
      return "Failed";
    case "never":
      return "Not reached";
    case "to come":
      return step.kind === "bake" ? `To come; lasts ${minutes(step.lastsMs)}` : "To come";
    case "now":
      return `For ${minutes(Math.max(0, Math.round((now - since) / 1000) * 1000))}; may take ${minutes(limitOf(step))}`;
  }
}

function limitOf(step: Cell["step"]): Ms {
  return step.kind === "bake" ? step.lastsMs : step.withinMs;
}

const signs: Record<Finding["verdict"], { readonly icon: IconName; readonly word: string }> = {
  pass: { icon: "done", word: "pass" },
  fail: { icon: "stop", word: "fail" },
  inconclusive: { icon: "unknown", word: "too little data" },
  errored: { icon: "lost", word: "no answer" },
  hold: { icon: "pause", word: "suspicious" },
  watching: { icon: "watch", word: "watching" },
};

function Findings({ findings }: { findings: readonly Finding[] }) {
  return (
    <table className="findings">
      <caption className="for-listeners">Checks with their numbers</caption>
      <thead className="for-listeners">
        <tr>
          <th scope="col">Check</th>
          <th scope="col">Verdict</th>
          <th scope="col">Numbers</th>
        </tr>
      </thead>
      <tbody>
        {findings.map((finding) => (
          <tr key={finding.check}>
            <th scope="row">{finding.check}</th>
            <td className={`verdict is-${finding.verdict}`}>
              <Icon name={signs[finding.verdict].icon} /> {signs[finding.verdict].word}
            </td>
            <td>{finding.because}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
