// The control plane as a runner knows it: four calls. While it does not answer, a runner waits and tries again; what it says
// is final.
import { setTimeout as sleep } from "node:timers/promises";
import type { BuildState, RunnerJob } from "../domain/build.ts";
import { Problem } from "../domain/problem.ts";

export interface BuildServer {
  /** Waits up to half a minute for a build. */
  claim(signal: AbortSignal): Promise<RunnerJob | undefined>;
  /** "lost": it is no longer ours. */
  beat(): Promise<"go on" | "cancelled" | "lost">;
  /** How many bytes of the log have arrived. */
  log(at: number, bytes: Uint8Array): Promise<number>;
  end(state: Exclude<BuildState, "queued" | "running">, because?: string): Promise<void>;
}

const answerWithinMs = 30_000;
/** Less than a lease: a connection that died without a word must not cost the build. */
const beatWithinMs = 4000;
const tryAgainMs = 1000;
const triesAtEnd = 300;

interface Call {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly withinMs?: number;
}

export function buildServer(
  url: string,
  token: string,
): Pick<BuildServer, "claim"> & {
  of(job: RunnerJob): Omit<BuildServer, "claim">;
} {
  async function call(path: string, init: Call = {}) {
    const { method = "POST", body, signal, withinMs = answerWithinMs } = init;
    const patience = AbortSignal.timeout(withinMs);
    const answer = await fetch(`${url}/runner/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      redirect: "error", // the token is for nobody else
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : new Uint8Array(body) }),
    });
    if (answer.status === 401) {
      throw new Problem(`${url} refused the runner's token`, "Make one with `sluice runner token`");
    }
    if (answer.status >= 500 || answer.status === 429) throw new Error(`it answered ${answer.status}`);
    return answer;
  }
  return {
    claim: async (signal) => {
      const answer = await call("claim", { signal });
      if (answer.status === 204) return undefined;
      if (answer.status !== 200) throw new Error(`it answered ${answer.status}: no control plane of Sluice?`);
      return (await answer.json()) as RunnerJob;
    },
    of: ({ build: { id, attempt } }) => {
      const path = `builds/${id}/${attempt}`;
      return {
        beat: async () => {
          const answer = await call(`${path}/beat`, { withinMs: beatWithinMs });
          if (!answer.ok) return "lost";
          const { isCancelled } = (await answer.json()) as { isCancelled: boolean };
          return isCancelled ? "cancelled" : "go on";
        },
        log: async (at, bytes) => {
          const answer = await call(`${path}/log?at=${at}`, { method: "PUT", body: bytes });
          return answer.ok ? ((await answer.json()) as { arrived: number }).arrived : at + bytes.length;
        },
        end: async (state, because) => {
          for (let tries = 0; ; tries++) {
            try {
              await call(`${path}/end`, { body: JSON.stringify({ state, because }) });
              return;
            } catch (error) {
              if (error instanceof Problem) throw error;
              if (tries >= triesAtEnd) return; // another runner has it by now
              await sleep(tryAgainMs);
            }
          }
        },
      };
    },
  };
}
