// The last lines that the replicas of a failing candidate printed.
import { useState } from "react";
import { activeNodes } from "../../../src/domain/progress.ts";
import type { Run } from "../../../src/domain/run.ts";
import { lastWords } from "../api.ts";
import { usePolled } from "../polled.ts";

const linesMax = 40;

/** A deployment that turned back, holds or failed is asked what its candidates said. */
export function LastWords({ run }: { run: Run }) {
  const candidates = Object.entries(run.plan?.services ?? {});
  const [picked, setPicked] = useState<string>();
  const [first] = candidates;
  const service = picked ?? turnedService(run) ?? first?.[0];
  const candidate = candidates.find(([name]) => name === service)?.[1].candidate;
  const look = async (): Promise<readonly string[]> =>
    candidate === undefined ? [] : lastWords(run.environment, candidate, linesMax);
  const lines = usePolled(isTroubled(run) ? candidate : undefined, look, 5000);
  if (lines === undefined || lines.length === 0) return null;
  return (
    <section className="card last-words" aria-label="Last lines of the new version">
      <header>
        <h2>What it printed last</h2>
        {candidates.length > 1 && (
          <select aria-label="Service" value={service} onChange={(event) => setPicked(event.target.value)}>
            {candidates.map(([name]) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{lines.join("\n")}</pre>
    </section>
  );
}

function isTroubled({ phase, hold }: Run): boolean {
  if (phase.kind === "ended") return phase.outcome !== "succeeded" && phase.outcome !== "superseded";
  return phase.kind === "turning" || phase.kind === "retreating" || hold !== undefined;
}

/** The service that holds, that was judged worse, or else the first that was under way. */
function turnedService(run: Run): string | undefined {
  const nodes = run.plan?.nodes ?? [];
  const worse = nodes.find(({ id }) => run.nodes[id]?.judged?.verdict === "fail");
  const held = nodes.find(({ id }) => id === run.hold?.node);
  return (held ?? worse ?? activeNodes(run)[0]?.node)?.service;
}
