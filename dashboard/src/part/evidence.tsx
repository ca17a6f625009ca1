// What a bake is judged on: the evidence over time under its two lines, and both sides route by route. Everything that is
// drawn also stands in a table.
import type { Comparison, Side } from "../../../src/domain/judge/comparison.ts";
import type { EvidenceView } from "../../../src/domain/judge/view.ts";
import * as say from "../../../src/domain/judge/wording.ts";
import type { Answers } from "../../../src/server/routes/routes.ts";
import { ask } from "../api.ts";
import { clockTime } from "../clock.ts";
import { usePolled } from "../polled.ts";
import { evidenceLines, momentsOf, shape, stretchOf } from "../view/evidence.ts";

type Services = Answers["evidence"]["services"];

const size = { width: 640, height: 150 };
const small = { width: 120, height: 26 };
const routesMax = 8;

/** Of one service of a deployment; asked again while it goes on. */
export function Evidence({ id, service, isLive }: { id: string; service: string; isLive: boolean }) {
  const look = async (): Promise<Services | undefined> => {
    const answer = await ask<Answers["evidence"]>(`/deployments/${encodeURIComponent(id)}/evidence`);
    return answer.ok ? answer.value.services : undefined;
  };
  const services = usePolled(`${id} ${isLive}`, look, isLive ? 5_000 : 600_000);
  const found = services?.find((one) => one.service === service);
  if (found === undefined) return null;
  if (found.view === undefined) return <p className="muted">Not compared with stable: {found.because}</p>;
  return (
    <section className="evidence" aria-label={`Evidence of ${service}`}>
      <Course view={found.view} />
      <Routes view={found.view} />
    </section>
  );
}

function Course({ view }: { view: EvidenceView }) {
  const lines = evidenceLines(view, size);
  const [first, last] = [view.points[0], view.points.at(-1)];
  const [hold, rollback] = [view.logHold, view.logRollback].map((logE) => say.count(Math.exp(logE)));
  return (
    <figure>
      <figcaption>
        Evidence against the new version: {view.sentence}. A good release ever comes to {rollback} at most once in{" "}
        {rollback} rollouts.
      </figcaption>
      <div className="evidence-plot">
        <svg
          viewBox={`0 0 ${size.width} ${size.height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Odds ${view.odds} by now; on hold from ${hold}, rolled back at ${rollback}`}
        >
          {lines.warmUps.map(({ x, width }) => (
            <rect key={x} className="warm-up" x={x} y="0" width={width} height={size.height} />
          ))}
          {lines.gaps.map((x) => (
            <path key={x} className="gap" d={`M${x} 0V${size.height}`} />
          ))}
          <path className="limit is-hold" d={`M0 ${lines.holdY}H${size.width}`} />
          <path className="limit is-rollback" d={`M0 ${lines.rollbackY}H${size.width}`} />
          {lines.streams.map(({ stream, path }) => (
            <path key={stream} className={`stream is-${stream}`} d={path} />
          ))}
          {lines.firm !== undefined && <path className="line is-firm" d={lines.firm} />}
          <path className="line" d={lines.whole} />
          {lines.failedX !== undefined && <path className="mark is-bad" d={`M${lines.failedX} 0V${size.height}`} />}
        </svg>
        <span className="limit-name" style={{ top: `${(lines.rollbackY / size.height) * 100}%` }}>
          {rollback} roll back
        </span>
        <span className="limit-name" style={{ top: `${(lines.holdY / size.height) * 100}%` }}>
          {hold} hold
        </span>
      </div>
      <p className="ends muted" aria-hidden="true">
        <span>{first && clockTime(first.endMs)}</span>
        <span>
          thick: all; {lines.firm !== undefined && "dashed: what a rollback needs; "}thin:{" "}
          {lines.streams.map(({ stream }) => say.streamNames[stream]).join(", ")}; shaded: warm-up
        </span>
        <span>{last && clockTime(last.endMs)}</span>
      </p>
      <Moments view={view} />
    </figure>
  );
}

function Moments({ view }: { view: EvidenceView }) {
  return (
    <details>
      <summary>The same as a table</summary>
      <div className="scrolled">
        <table className="numbers">
          <thead>
            <tr>
              <th scope="col">Until</th>
              <th scope="col">Odds</th>
              {Object.values(say.streamNames).map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {momentsOf(view.points).map(({ endMs, logE, streams, missing }) => (
              <tr key={endMs}>
                <th scope="row">{clockTime(endMs)}</th>
                <td>{missing ?? say.odds(logE)}</td>
                {say.streams.map((stream) => (
                  <td key={stream}>{say.odds(streams[stream])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Routes({ view }: { view: EvidenceView }) {
  const shown = view.comparisons.filter(({ stable, candidate }) => stable.requests + candidate.requests > 0);
  return (
    <div className="scrolled">
      <table className="numbers routes">
        <caption>New version against stable, route by route</caption>
        <thead>
          <tr>
            <th scope="col">Route</th>
            <th scope="col">Version</th>
            <th scope="col">Requests</th>
            <th scope="col">Errors</th>
            <th scope="col">p50</th>
            <th scope="col">p99</th>
            <th scope="col">Latency</th>
          </tr>
        </thead>
        {shown.slice(0, routesMax + 1).map((comparison) => (
          <Route key={comparison.stratum ?? ""} comparison={comparison} log2Edges={view.log2Edges} />
        ))}
      </table>
      {shown.length > routesMax + 1 && <p className="muted">… {shown.length - routesMax - 1} more routes</p>}
    </div>
  );
}

function Route({ comparison, log2Edges }: { comparison: Comparison; log2Edges: readonly number[] }) {
  const { stable, candidate, stratum } = comparison;
  const stretch = stretchOf([stable.latency, candidate.latency]);
  const [from, to] = stretch.map((edge) => say.latency(2 ** (log2Edges[edge] ?? 0)));
  const sides: readonly (readonly [string, Side])[] = [
    ["new", candidate],
    ["stable", stable],
  ];
  return (
    <tbody>
      {sides.map(([name, side], i) => (
        <tr key={name}>
          {i === 0 && (
            <th scope="rowgroup" rowSpan={2}>
              {stratum ?? "all routes"}
            </th>
          )}
          <td>{name}</td>
          <td>{say.count(side.requests)}</td>
          <td>{side.errorRate === null ? "–" : say.percent(side.errorRate)}</td>
          <td>{side.p50Ms === null ? "–" : say.latency(side.p50Ms)}</td>
          <td>{side.p99Ms === null ? "–" : say.latency(side.p99Ms)}</td>
          <td>
            <svg
              className={`distribution is-${i === 0 ? "candidate" : "stable"}`}
              viewBox={`0 0 ${small.width} ${small.height}`}
              preserveAspectRatio="none"
              role="img"
              aria-label={`Latencies from ${from} to ${to}`}
            >
              <path d={shape(side.latency, stretch, small)} />
            </svg>
          </td>
        </tr>
      ))}
    </tbody>
  );
}
