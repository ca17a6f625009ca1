// Share of traffic that the new version carried, over time: one step line a service, with the turns marked.
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
const height = 120;

export function ExposureChart({ exposures, marks, startAt, endAt, version }: ExposureChartProps) {
  const span = Math.max(1000, endAt - startAt);
  const x = (at: Ms): number => ((Math.min(at, endAt) - startAt) / span) * width;
  const y = (traffic: number): number => height - (traffic / 100) * height;
  return (
    <figure className="exposure">
      <figcaption>
        Traffic on {version}, in percent, over {lasted(span)}
      </figcaption>
      <div className="exposure-frame">
        <div className="axis" aria-hidden="true">
          <span>100</span>
          <span>50</span>
          <span>0</span>
        </div>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={said(exposures, version)}
        >
          <path className="rule" d={`M0 .5H${width}M0 ${height / 2}H${width}M0 ${height - 0.5}H${width}`} />
          {exposures.map(({ service, points }, i) => {
            const line = points.map(
              ({ at, traffic }, k) => `${k === 0 ? "M" : "H"}${x(at).toFixed(1)}${k === 0 ? " " : "V"}${y(traffic)}`,
            );
            const path = `${line.join("")}H${x(endAt).toFixed(1)}`;
            return (
              <g key={service} className={`curve is-${i % 4}`}>
                <path className="area" d={`${path}V${height}H0Z`} />
                <path className="line" d={path} />
              </g>
            );
          })}
          {marks.map((mark) => (
            <path
              key={`${mark.at} ${mark.label}`}
              className={`mark is-${mark.kind}`}
              d={`M${x(mark.at).toFixed(1)} 0V${height}`}
            />
          ))}
        </svg>
      </div>
      <p className="ends muted" aria-hidden="true">
        <span>{clockTime(startAt)}</span>
        <span>
          {marks
            .filter((mark) => mark.kind !== "end")
            .map((mark) => `${mark.label} ${clockTime(mark.at)}`)
            .join(" · ")}
        </span>
        <span>{clockTime(endAt)}</span>
      </p>
    </figure>
  );
}

function said(exposures: readonly Exposure[], version: string): string {
  const lines = exposures.map(
    ({ service, points }) => `${service}: ${points.map(({ traffic }) => `${traffic} %`).join(", then ")}`,
  );
  return `Traffic on ${version}. ${lines.join(". ")}`;
}
