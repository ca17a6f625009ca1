// Builds in the terminal: a line for each, and what one prints as it prints it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Build } from "../domain/build.ts";
import { minutes } from "../domain/minutes.ts";
import type { Api } from "./api-client.ts";
import type { Screen } from "./screen.ts";

const lookEveryMs = 500;
const looksUntilTold = 5;

export function buildLine(build: Build, { green, red, yellow, dim }: Screen["colors"]): string {
  const { id, state, order, because, startedAt, endedAt } = build;
  const color = state === "succeeded" ? green : state === "failed" ? red : yellow;
  const took = startedAt === undefined || endedAt === undefined ? "" : `  ${minutes(endedAt - startedAt)}`;
  const what = `${order.repository} ${order.ref.replace("refs/heads/", "")} ${order.commit?.slice(0, 8) ?? ""}`.trim();
  const why = because === undefined ? "" : dim(`  ${because}`);
  return `${id}  ${color(state.padEnd(9))}  ${what}  ${order.tasks.join(" ")}${took}${why}`;
}

function waiting({ id, order: { labels } }: Build): string {
  const having = labels.length === 0 ? "" : ` that has ${labels.join(", ")}`;
  return `${id} waits for a runner${having}: one that is free, or start one with \`sluice runner\``;
}

/** Prints until it has ended; throws when it did not succeed. */
export async function followBuild(
  api: Api,
  id: string,
  { screen, isDetached }: { readonly screen: Screen; readonly isDetached: boolean },
): Promise<void> {
  let [from, looks] = [0, 0];
  for (;;) {
    const { build } = await api.ask("getBuild", { params: { id } });
    const isOver = build.state !== "queued" && build.state !== "running";
    if (!isDetached) {
      const text = await api.buildLog(id, from);
      from += Buffer.byteLength(text);
      if (text !== "") screen.say(text.replace(/\n$/, ""));
      looks += 1;
      if (build.state === "queued" && looks === looksUntilTold) screen.say(screen.colors.dim(waiting(build)));
    }
    if (isOver || isDetached) {
      screen.answer({ build });
      screen.say(buildLine(build, screen.colors));
      if (build.state === "failed" || build.state === "cancelled") process.exitCode = 1;
      return;
    }
    await sleep(lookEveryMs);
  }
}
