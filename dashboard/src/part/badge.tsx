// How a deployment, a build or a service stands, as a sign and a word.
import type { BuildState } from "../../../src/domain/build.ts";
import type { Outcome } from "../../../src/domain/event.ts";
import type { HealthStatus } from "../../../src/domain/health.ts";
import type { Run } from "../../../src/domain/run.ts";
import { Icon, type IconName } from "./icon.tsx";

interface Look {
  readonly icon: IconName;
  readonly tone: "good" | "bad" | "warn" | "calm" | "moving";
  readonly word: string;
}

const outcomes: Record<Outcome, Look> = {
  succeeded: { icon: "done", tone: "good", word: "Succeeded" },
  "rolled back": { icon: "back", tone: "bad", word: "Rolled back" },
  aborted: { icon: "stop", tone: "warn", word: "Aborted" },
  superseded: { icon: "over", tone: "calm", word: "Superseded" },
  failed: { icon: "failed", tone: "bad", word: "Failed" },
  stuck: { icon: "person", tone: "bad", word: "Stuck" },
};

export const outcomeNames = Object.keys(outcomes);

export function standingWord(run: Run): string {
  return lookOf(run).word;
}

export function Badge({ run }: { run: Run }) {
  return <Sign look={lookOf(run)} />;
}

const builds: Record<BuildState, Look> = {
  queued: { icon: "wait", tone: "calm", word: "Queued" },
  running: { icon: "live", tone: "moving", word: "Running" },
  succeeded: outcomes.succeeded,
  failed: outcomes.failed,
  cancelled: { icon: "stop", tone: "warn", word: "Cancelled" },
};

export function BuildBadge({ state }: { state: BuildState }) {
  return <Sign look={builds[state]} />;
}

const health: Record<HealthStatus, Look> = {
  healthy: { icon: "done", tone: "good", word: "Healthy" },
  degraded: { icon: "failed", tone: "warn", word: "Degraded" },
  unhealthy: { icon: "failed", tone: "bad", word: "Unhealthy" },
};

export function HealthBadge({ status }: { status: HealthStatus }) {
  return <Sign look={health[status]} />;
}

function Sign({ look: { icon, tone, word } }: { look: Look }) {
  return (
    <span className={`badge is-${tone}`}>
      <Icon name={icon} /> {word}
    </span>
  );
}

function lookOf(run: Run): Look {
  switch (run.phase.kind) {
    case "ended":
      return outcomes[run.phase.outcome];
    case "queued":
      return { icon: "wait", tone: "calm", word: "Queued" };
    case "turning":
    case "retreating":
      return { icon: "back", tone: "bad", word: "Going back" };
    case "running":
      if (run.paused !== undefined) return { icon: "pause", tone: "warn", word: "Paused" };
      if (run.hold !== undefined) return { icon: "hand", tone: "warn", word: "On hold" };
      return { icon: "live", tone: "moving", word: "Under way" };
  }
}
