// Follows one deployment until it ends: a live view on a terminal, a line for each fact elsewhere. Closing it harms
// nothing; the deployment goes on in the control plane.
import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "../domain/event.ts";
import { minutes } from "../domain/minutes.ts";
import { tell } from "../domain/prose.ts";
import { fold, type Run } from "../domain/run.ts";
import type { Api } from "./api-client.ts";
import type { Exit } from "./exit.ts";
import { deploymentLines } from "./print/deployment.ts";
import { LiveText } from "./print/live-text.ts";
import { logText } from "./print/log-line.ts";
import type { Screen } from "./screen.ts";

const drawEveryMs = 250;
const logLinesMax = 6;

export async function follow(api: Api, { id, screen }: { id: string; screen: Screen }): Promise<Run> {
  const stop = new AbortController();
  const onInterrupt = () => {
    stop.abort();
    if (screen.isTerminal) screen.write("\n");
    screen.say(`The deployment goes on. Look again: sluice watch ${id}   Take it back: sluice abort ${id}`);
    process.exit(130);
  };
  process.once("SIGINT", onInterrupt);
  try {
    const view = screen.isTerminal ? new TerminalView(api, screen) : new LineView(api, screen);
    return await folded(api, { id, view, signal: stop.signal });
  } finally {
    stop.abort();
    process.off("SIGINT", onInterrupt);
  }
}

interface View {
  /** After each fact. */
  show(run: Run, fact: Parameters<typeof tell>[0], at: number): void;
  end(run: Run): void | Promise<void>;
}

async function folded(api: Api, { id, view, signal }: { id: string; view: View; signal: AbortSignal }): Promise<Run> {
  const { events } = await api.ask("listEvents", { params: { id } });
  let run: Run | undefined;
  for (const event of events) {
    run = fold([event], run);
    if (run !== undefined) view.show(run, event.fact, event.at);
  }
  if (run === undefined) throw new Error(`deployment ${id} has no facts`);
  if (run.phase.kind !== "ended") {
    for await (const event of api.events(run.seq, signal)) {
      if (event.deployment !== id) continue;
      run = fold([event], run) ?? run;
      view.show(run, event.fact, event.at);
      if (run.phase.kind === "ended") break;
    }
  }
  await view.end(run);
  return run;
}

/** What a revision printed last, also when its replicas are gone. */
async function lastWords(api: Api, { environment }: Run, revision: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of api.logLines({ environment, revision, tail: logLinesMax })) lines.push(line);
  return lines.slice(-logLinesMax).map((line) => logText(line));
}

class LineView implements View {
  readonly #api: Api;
  readonly #screen: Screen;
  constructor(api: Api, screen: Screen) {
    this.#api = api;
    this.#screen = screen;
  }

  show(run: Run, fact: Parameters<typeof tell>[0], at: number): void {
    this.#screen.say(`${minutes(at - run.requestedAt).padStart(8)}  ${tell(fact, run)}`);
  }

  /** Of one that did not come up: whoever reads this in CI has no terminal to ask in. */
  async end(run: Run): Promise<void> {
    const { because = "" } = run.phase.kind === "ended" ? run.phase : {};
    const named = Object.values(run.plan?.services ?? {}).find(({ candidate }) => because.includes(`${candidate}: `));
    if (named === undefined) return;
    const lines = await lastWords(this.#api, run, named.candidate).catch(() => []);
    if (lines.length > 0) this.#screen.say(`${named.candidate} printed last:`, ...lines.map((line) => `  │ ${line}`));
  }
}

class TerminalView implements View {
  readonly #api: Api;
  readonly #screen: Screen;
  readonly #text: LiveText;
  readonly #stop = new AbortController();
  #run: Run | undefined;
  #waiting: readonly string[] = [];
  #logs: readonly string[] = [];
  /** Our clock against the journal's. */
  #offsetMs = 0;

  constructor(api: Api, screen: Screen) {
    this.#api = api;
    this.#screen = screen;
    this.#text = new LiveText((text) => screen.write(text));
    this.#redraw().catch(() => undefined);
  }

  show(run: Run, _fact: unknown, at: number): void {
    this.#run = run;
    this.#offsetMs = Math.max(this.#offsetMs, at - Date.now());
    this.#draw();
  }

  end(run: Run): void {
    this.#stop.abort();
    this.#run = run;
    this.#waiting = [];
    this.#draw();
    this.#text.leave();
  }

  async #redraw(): Promise<void> {
    const { signal } = this.#stop;
    for (let round = 0; !signal.aborted; round++) {
      await sleep(drawEveryMs, undefined, { signal });
      if (round % 4 === 0 && this.#run !== undefined) await this.#look(this.#run);
      this.#draw();
    }
  }

  /** What is waited for just now, and the last words of replicas that do not come up. */
  async #look(run: Run): Promise<void> {
    const asked = await this.#api.ask("getDeployment", { params: { id: run.id } }).catch(() => undefined);
    this.#waiting = asked?.waiting ?? [];
    const sides = Object.values(run.plan?.services ?? {});
    const candidate = sides.find(({ candidate }) => this.#waiting.some((line) => line.includes(candidate)))?.candidate;
    this.#logs = candidate === undefined ? [] : await lastWords(this.#api, run, candidate).catch(() => []);
  }

  #draw(): void {
    if (this.#run === undefined) return;
    const { colors, width } = this.#screen;
    const lines = deploymentLines(this.#run, { now: Date.now() + this.#offsetMs, colors, width, stepsMax: 14 });
    const waiting = this.#waiting.map((line) => colors.dim(`  waits: ${line}`));
    const logs = this.#logs.map((line) => colors.dim(`  │ ${line}`));
    this.#text.draw([...lines, ...waiting, ...logs], width);
  }
}

export function exitOf(run: Run): Exit {
  const outcome: Outcome | undefined = run.phase.kind === "ended" ? run.phase.outcome : undefined;
  return outcome === undefined || outcome === "succeeded" ? "ok" : "failed";
}

/** What a verb that waited answers with --json. */
export function endOf(run: Run): object {
  const { id, environment, release, phase } = run;
  const end =
    phase.kind === "ended"
      ? { outcome: phase.outcome, because: phase.because, stands: phase.stands }
      : { outcome: null };
  return { deployment: id, environment, release, ...end, seconds: (run.lastAt - run.requestedAt) / 1000 };
}
