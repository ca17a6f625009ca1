// A host on a temporary folder with one service, and the frames that each strategy takes it through: from stable to
// candidate, and back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Frame, replicasFor, sameFrame, shareOf } from "../../src/domain/frame.ts";
import { moves } from "../../src/domain/moves.ts";
import { milestones, type Strategy, type StrategyKind, standing } from "../../src/domain/strategy.ts";
import type { DesiredService, SeenService } from "../../src/host/api.ts";
import type { HostClient } from "../../src/host/client.ts";
import { startHost } from "../../src/host/start.ts";

export const programs = import.meta.dirname;
const service = "bench/web";
const size = 2;

export const strategies: Readonly<Record<StrategyKind, Strategy>> = {
  canary: {
    kind: "canary",
    steps: [
      { kind: "setWeight", weight: 10 },
      { kind: "setWeight", weight: 50 },
    ],
  },
  blueGreen: { kind: "blueGreen", preview: [], switchShares: [100], afterSwitch: [] },
  rolling: { kind: "rolling", batchSize: 50, maxUnavailable: 0, pauseMs: 0, maxFailureShare: 0 },
  recreate: { kind: "recreate" },
};

export interface Stage {
  readonly client: HostClient;
  readonly entryPort: number;
  /** Asks for the frame and waits until the host reports it. */
  hold(frame: Frame): Promise<void>;
  ask(frame: Frame): Promise<void>;
  see(): Promise<SeenService | undefined>;
  end(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const dataFolder = mkdtempSync(join(tmpdir(), "sluice-soak-"));
  const client = await startHost({ dataFolder, programs });
  let seq = 0;
  const ask = async (frame: Frame) => {
    seq += 1;
    await patiently(() => client.put(service, desired(frame, seq)));
  };
  const see = () => patiently(() => client.get(service));
  const hold = async (frame: Frame) => {
    await ask(frame);
    const until = Date.now() + 30_000;
    for (let seen = await see(); !isHeld(frame, seen); seen = await see()) {
      if (Date.now() > until) throw new Error(`not reached: ${JSON.stringify(frame)}, seen ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  await hold(standing("v1"));
  const entryPort = (await see())?.entryPort ?? 0;
  const end = async () => {
    await client.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  };
  return { client, entryPort, hold, ask, see, end };
}

/** Every frame from one revision to the other. */
export function journey(kind: StrategyKind, { from, to }: { from: string; to: string }): readonly Frame[] {
  const sides = { stable: from, candidate: to, preview: [] };
  const frames: Frame[] = [standing(from)];
  for (const milestone of milestones(strategies[kind], sides))
    if (milestone.kind === "frame") frames.push(...moves(frames.at(-1) ?? standing(from), milestone.frame));
  const last = frames.at(-1);
  return [...frames.slice(1), ...(last !== undefined && sameFrame(last, standing(to)) ? [] : [standing(to)])];
}

/** A control plane asks again while the host is being restarted. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "Temporary" || attempt > 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

function isHeld(frame: Frame, seen: SeenService | undefined): boolean {
  const names = new Set([...Object.keys(frame.revisions), ...Object.keys(seen?.revisions ?? {})]);
  return [...names].every((name) => {
    const { capacity, traffic } = shareOf(frame, name);
    const side = seen?.revisions[name];
    const wanted = replicasFor(capacity, size);
    if (wanted === 0) return (side?.replicas.length ?? 0) === 0;
    return (side?.ready ?? 0) >= wanted && Math.abs((side?.weight ?? 0) - traffic) < 0.01;
  });
}

function desired(frame: Frame, seq: number): DesiredService {
  const revisions = Object.entries(frame.revisions).filter(([, { capacity }]) => capacity > 0);
  return {
    fence: { journal: "soak", seq },
    revisions: Object.fromEntries(
      revisions.map(([name, { capacity, traffic }]) => [
        name,
        {
          replicas: replicasFor(capacity, size),
          weight: traffic,
          spec: {
            folder: programs,
            command: ["node", "service.js"],
            env: { VERSION: name },
            readiness: {
              kind: "http",
              path: "/health",
              intervalMs: 500,
              timeoutMs: 2_000,
              healthyThreshold: 1,
              unhealthyThreshold: 3,
            },
            startWithinMs: 20_000,
            drainTimeoutMs: 15_000,
            graceMs: 5_000,
          },
        },
      ]),
    ),
    routes: [],
    ingress: [{ path: "/" }],
    entry: { environment: "bench", port: 0 },
    buffer: { maxMs: 20_000, maxBytes: 64 * 2 ** 20 },
  };
}
