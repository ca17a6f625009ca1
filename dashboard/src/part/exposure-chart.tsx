// Share of traffic that the new version carried, over time: a small picture for each service, with the turns marked.
import type { Ms } from "../../../src/domain/frame.ts";
import { clockTime, lasted } from "../clock.ts";
import type { Exposure, Mark } from "../view/exposure.ts";

export interface ExposureChartProps {
  readonly exposures: readonly Exposure[];
  readonly marks: readonly Mark[];
  readonly startAt: Ms;
  readonly endAt: Ms;
  readonly version: string;
}

const width = 640;
const height = 44;

export function ExposureChart({ exposures, marks, startAt, endAt, version }: ExposureChartProps) {
  const span = Math.max(1000, endAt - startAt);
  const turns = marks.filter((mark) => mark.kind !== "end");
  return (
    <figure className="exposure">
      <figcaption>
        Traffic on {version} over {lasted(span)}
      </figcaption>
      {exposures.map((exposure) => (
        <Curve key={exposure.service} {...{ exposure, turns, startAt, endAt, span }} />
      ))}
      <p className="ends muted" aria-hidden="true">
        <span>{clockTime(startAt)}</span>
        <span>{turns.map((mark) => `${mark.label} ${clockTime(mark.at)}`).join(" · ")}</span>
        <span>{clockTime(endAt)}</span>
      </p>
    </figure>
  );
}

interface CurveProps {
  readonly exposure: Exposure;
  readonly turns: readonly Mark[];
  readonly startAt: Ms;
  readonly endAt: Ms;
  readonly span: Ms;
}

function Curve({ exposure: { service, points }, turns, startAt, endAt, span }: CurveProps) {
  const x = (at: Ms): string => (((Math.min(at, endAt) - startAt) / span) * width).toFixed(1);
  const y = (traffic: number): string => (height - (traffic / 100) * (height - 2) - 1).toFixed(1);
  const steps = points.map(({ at, traffic }, i) => (i === 0 ? `M0 ${y(traffic)}` : `H${x(at)}V${y(traffic)}`));
  const path = `${steps.join("")}H${x(endAt)}`;
  const said = `${service}: ${points.map(({ traffic }) => `${traffic} %`).join(", then ")}`;
  return (
    <div className="curve">
      <span className="curve-name">{service}</span>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={said}>
        <path className="rule" d={`M0 .5H${width}M0 ${height - 0.5}H${width}`} />
        <path className="area" d={`${path}V${height}H0Z`} />
        <path className="line" d={path} />
        {turns.map(({ at, kind, label }) => (
          <path key={`${at} ${label}`} className={`mark is-${kind}`} d={`M${x(at)} 0V${height}`} />
        ))}
      </svg>
      <span className="curve-share">{points.at(-1)?.traffic ?? 0} %</span>
    </div>
  );
}
