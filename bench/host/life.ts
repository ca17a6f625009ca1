// One deployment from asking to its end, with one blow at one of its phases.
import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "../../src/domain/event.ts";
import { shareOf } from "../../src/domain/frame.ts";
import { frameBefore } from "../../src/domain/phrase.ts";
import { isDone, isOpen } from "../../src/domain/progress.ts";
import type { Run } from "../../src/domain/run.ts";
import type { StrategyKind } from "../../src/domain/strategy.ts";
import { type Blow, strike, type Victim } from "./chaos.ts";
import type { Stage } from "./stage.ts";

/** What the deployment is doing: new replicas start, traffic moves, the new side is watched, all of it is, replicas go. */
export const phases = ["start", "shift", "bake", "verify", "stop", "retreat"] as const;
export type Phase = (typeof phases)[number];

export const ways = ["to its end", "promoted", "aborted", "bad", "rolled back"] as const;
export type Way = (typeof ways)[number];

/** Only what is taken back walks back. */
export function isIn(way: Way): (phase: Phase) => boolean {
  return (phase) => phase !== "retreat" || way === "aborted" || way === "bad";
}

export interface Life {
  readonly strategy: StrategyKind;
  readonly way: Way;
  readonly victim: Victim;
  readonly phase: Phase;
}

export interface Lived {
  readonly outcome: Outcome;
  /** Undefined when the phase was never seen, or nobody was there to be killed. */
  readonly blow: Blow | undefined;
  /** The outcome is none that this way may have. */
  readonly surprise: string | undefined;
}

const lookEveryMs = 15;
let releases = 0;

export async function live(stage: Stage, life: Life, note: (what: string) => void): Promise<Lived> {
  const { strategy, way, victim, phase } = life;
  const version = String(++releases);
  note(`release ${version}: ${strategy}, ${way}; ${victim} at ${phase}`);
  let id = await stage.deploy({ version, strategy, isBad: way === "bad" });
  let striking: Promise<Blow | undefined> | undefined;
  let [isSteered, isTooLate] = [false, true];
  let [last, because] = ["", ""];
  const follow = async (mayStrike: boolean) => {
    for (;;) {
      const run = await stage.look(id);
      const now = phaseOf(run);
      if (now !== last) note(`  ${id}: ${now}`);
      last = now;
      if (mayStrike && now === phase && striking === undefined) {
        note(`  ${victim} is struck`);
        striking = strike(stage, victim);
        striking.catch(() => {});
      }
      if (!isSteered && steered[way]?.on.includes(now)) {
        isSteered = true;
        isTooLate = !(await stage.steer(id, steered[way]?.verb ?? "abort"));
      }
      if (run.phase.kind === "ended") {
        because = run.phase.because ?? "";
        return run.phase.outcome;
      }
      await sleep(lookEveryMs);
    }
  };
  let outcome = await follow(way !== "rolled back");
  if (way === "rolled back" && outcome === "succeeded") {
    id = await stage.rollback();
    outcome = await follow(true);
  }
  const blow = await striking;
  if (blow !== undefined)
    note(`  ${victim}: gone after ${blow.goneMs - blow.atMs} ms, back after ${blow.recoveredMs} ms`);
  note(`  ${id}: ${outcome} ${because}`);
  const isFine =
    allowed[way].includes(outcome) ||
    (victim === "candidate replica" && outcome === "rolled back") ||
    (way === "aborted" && isTooLate && outcome === "succeeded"); // on a busy machine it may be over before we see its bake
  return {
    outcome,
    blow,
    surprise: isFine ? undefined : `${strategy}, ${way}, ${victim} at ${phase}: ${outcome}, ${because}`,
  };
}

const steered: Readonly<Partial<Record<Way, { verb: "abort" | "promote"; on: readonly string[] }>>> = {
  promoted: { verb: "promote", on: ["bake", "verify"] },
  aborted: { verb: "abort", on: ["bake", "verify"] },
};

const allowed: Readonly<Record<Way, readonly Outcome[]>> = {
  "to its end": ["succeeded"],
  promoted: ["succeeded"],
  aborted: ["aborted"],
  bad: ["rolled back"],
  "rolled back": ["succeeded"],
};

function phaseOf(run: Run): Phase | "queued" | "ended" {
  if (run.phase.kind === "ended" || run.phase.kind === "queued") return run.phase.kind;
  if (run.phase.kind !== "running") return "retreat";
  const node = run.plan?.nodes.find((one) => isOpen(run, one) && !isDone(run, one.id));
  const at = node === undefined ? undefined : { node: node.id, step: run.nodes[node.id]?.step ?? 0 };
  const step = at === undefined ? undefined : node?.steps[at.step];
  if (at === undefined || step === undefined) return "queued";
  if (step.kind !== "set") return node?.service === undefined ? "verify" : "bake";
  const [before, after] = [frameBefore(run, at), step.frame];
  const names = [...new Set([...Object.keys(before.revisions), ...Object.keys(after.revisions)])];
  if (names.some((name) => shareOf(after, name).capacity > shareOf(before, name).capacity)) return "start";
  return names.some((name) => shareOf(after, name).traffic > shareOf(before, name).traffic) ? "shift" : "stop";
}
