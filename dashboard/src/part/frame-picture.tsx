// One frame, small: traffic as a filled column (stable above, candidate below and hatched), capacity as two thin ones.
import { type Frame, type RevisionId, shareOf } from "../../../src/domain/frame.ts";

export function FramePicture({ frame, candidate }: { frame: Frame; candidate: RevisionId | undefined }) {
  const others = Object.keys(frame.revisions).filter((revision) => revision !== candidate);
  const fresh = candidate === undefined ? { traffic: 0, capacity: 0 } : shareOf(frame, candidate);
  const old = others.map((revision) => shareOf(frame, revision));
  const stable = {
    traffic: old.reduce((sum, share) => sum + share.traffic, 0),
    capacity: old.reduce((sum, share) => sum + share.capacity, 0),
  };
  const isDark = fresh.traffic + stable.traffic === 0;
  return (
    <svg className="frame-picture" viewBox="0 0 28 40" aria-hidden="true">
      <rect className={`vessel${isDark ? " is-dark" : ""}`} x="0.500" y="0.500" width="16" height="39" rx="2" />
      <Level x={1} width={15} from={100} share={stable.traffic} tone="stable" />
      <Level x={1} width={15} from={fresh.traffic} share={fresh.traffic} tone="candidate" />
      <Level x={19.5} width={3.5} from={stable.capacity} share={stable.capacity} tone="stable" />
      <Level x={24.5} width={3.5} from={fresh.capacity} share={fresh.capacity} tone="candidate" />
      <path className="floor" d="M19.500 39.500h3.500M24.500 39.500h3.500" />
    </svg>
  );
}

interface LevelProps {
  readonly x: number;
  readonly width: number;
  /** Percent of the height at which it begins, from the floor. */
  readonly from: number;
  readonly share: number;
  readonly tone: "stable" | "candidate";
}

function Level({ x, width, from, share, tone }: LevelProps) {
  if (share <= 0) return null;
  const full = 38;
  // A single percent must still be seen.
  const height = Math.max(1.5, (Math.min(share, 100) / 100) * full);
  const y = 1 + full - Math.max((Math.min(from, 100) / 100) * full, height);
  return (
    <>
      <rect className={`level is-${tone}`} x={x} y={y} width={width} height={height} />
      {tone === "candidate" && <rect className="hatch" x={x} y={y} width={width} height={height} />}
    </>
  );
}
