// The plan as a strip: waves from left to right, each lane a row of frames with the gates between them, and beneath a
// lane the way back, running the other way. Any cell can be asked what it is.
import type { Frame, Ms } from "../../../src/domain/frame.ts";
import type { NodeRun, Run } from "../../../src/domain/run.ts";
import type { BackCell, Cell, Lane, Wave } from "../view/strip.ts";
import { keyOf } from "../view/strip.ts";
import { FramePicture } from "./frame-picture.tsx";
import { Icon, type IconName } from "./icon.tsx";

export interface StripProps {
  readonly waves: readonly Wave[];
  readonly run: Run;
  readonly now: Ms;
  /** Key of the cell whose details are shown. */
  readonly chosen: string | undefined;
  readonly choose: (cell: Cell) => void;
}

export function Strip({ waves, ...rest }: StripProps) {
  return (
    <div className="strip">
      {waves.map((wave, i) => (
        <section className="wave" key={wave.lanes[0]?.node.id ?? i} aria-label={wave.title}>
          <h3>{wave.title}</h3>
          <div className={isShort(wave) ? "lanes are-short" : "lanes"}>
            {wave.lanes.map((lane) => (
              <LaneRow key={lane.node.id} lane={lane} {...rest} />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

/** Lanes of a few cells stand side by side. */
function isShort({ lanes }: Wave): boolean {
  return lanes.every(({ cells }) => cells.length <= 4);
}

function LaneRow({ lane, run, now, chosen, choose }: Omit<StripProps, "waves"> & { lane: Lane }) {
  const { node, cells, back } = lane;
  const candidate = run.plan?.services[node.service ?? ""]?.candidate;
  const serves = run.intent.services[node.service ?? ""]?.serves ?? true;
  return (
    <div className="lane">
      <h4>{node.service ?? "everything"}</h4>
      <ol className="cells" aria-label={`Steps of ${node.service ?? "the whole deployment"}`}>
        {cells.map((cell, i) => (
          <li key={keyOf(cell.at)} style={{ gridColumn: i + 1 }}>
            <CellButton
              {...{ cell, candidate, serves, now, choose }}
              state={run.nodes[node.id]}
              isChosen={keyOf(cell.at) === chosen}
            />
          </li>
        ))}
        {back.map((cell) => (
          <li key={`back ${cell.column}`} className="back-cell" style={{ gridColumn: cell.column + 1 }}>
            <BackPicture cell={cell} candidate={candidate} serves={serves} />
          </li>
        ))}
      </ol>
    </div>
  );
}

interface CellProps {
  readonly cell: Cell;
  readonly candidate: string | undefined;
  readonly serves: boolean;
  readonly state: NodeRun | undefined;
  readonly now: Ms;
  readonly isChosen: boolean;
  readonly choose: (cell: Cell) => void;
}

const stateWords: Record<Cell["state"], string> = {
  done: "done",
  skipped: "skipped",
  now: "now",
  failed: "failed",
  "to come": "to come",
  never: "not reached",
};

function CellButton({ cell, candidate, serves, state, now, isChosen, choose }: CellProps) {
  const { step, phrase } = cell;
  const className = `cell is-${cell.state.replace(" ", "-")} ${step.kind === "set" ? "is-frame" : "is-gate"}`;
  return (
    <button
      type="button"
      className={className}
      aria-label={`${phrase}: ${stateWords[cell.state]}`}
      aria-current={cell.state === "now" ? "step" : undefined}
      aria-pressed={isChosen}
      title={phrase}
      onClick={() => choose(cell)}
    >
      {step.kind === "set" ? (
        <FramePicture frame={cell.frame} candidate={candidate} />
      ) : (
        <GatePicture cell={cell} progress={progressOf(cell, state, now)} />
      )}
      <span className="cell-label">{labelOf(cell, { candidate, serves })}</span>
      {cell.state === "failed" && <CellSign name="stop" />}
      {cell.state === "done" && <CellSign name="done" />}
      {cell.state === "skipped" && <CellSign name="skip" />}
    </button>
  );
}

function CellSign({ name }: { name: IconName }) {
  return (
    <span className="cell-sign">
      <Icon name={name} />
    </span>
  );
}

function shareLabel(frame: Frame, candidate: string | undefined, serves: boolean): string {
  return serves ? `${Math.round(frame.revisions[candidate ?? ""]?.traffic ?? 0)} %` : "–";
}

function labelOf({ step, frame }: Cell, { candidate, serves }: Pick<CellProps, "candidate" | "serves">): string {
  if (step.kind === "set") return shareLabel(frame, candidate, serves);
  const words: Record<Exclude<typeof step.kind, "set">, string> = { bake: "watch", job: "job", approve: "yes?" };
  return step.kind === "bake" && step.checks.length === 0 ? "wait" : words[step.kind];
}

const gateIcons = { bake: "watch", job: "job", approve: "person" } as const;

function GatePicture({ cell: { step }, progress }: { cell: Cell; progress: number }) {
  if (step.kind === "set") return null;
  const icon = step.kind === "bake" && step.checks.length === 0 ? "wait" : gateIcons[step.kind];
  return (
    <span className="gate-picture">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <circle className="ring" cx="16" cy="16" r="14" />
        {progress > 0 && (
          <circle className="progress" cx="16" cy="16" r="14" pathLength="1" strokeDasharray={`${progress} 1`} />
        )}
      </svg>
      <Icon name={icon} />
    </span>
  );
}

function progressOf({ step, state }: Cell, node: NodeRun | undefined, now: Ms): number {
  if (state !== "now" || step.kind !== "bake" || node === undefined) return 0;
  return Math.min(1, Math.max(0, (now - node.since) / Math.max(1, step.lastsMs)));
}

const backWords: Record<BackCell["state"], string> = {
  done: "done",
  now: "now",
  "to come": "to come",
  never: "not reached",
};

function BackPicture({ cell, candidate, serves }: Pick<CellProps, "candidate" | "serves"> & { cell: BackCell }) {
  const said = `Way back: ${cell.phrase}: ${backWords[cell.state]}`;
  return (
    <div
      className={`cell is-frame is-back is-${cell.state.replace(" ", "-")}`}
      role="img"
      aria-label={said}
      title={said}
    >
      <FramePicture frame={cell.frame} candidate={candidate} />
      <span className="cell-label">{shareLabel(cell.frame, candidate, serves)}</span>
      <span className="arrow">
        <Icon name="left" />
      </span>
    </div>
  );
}
