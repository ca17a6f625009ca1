// Which deployment comes next, so that strategies, ways, victims and phases meet as evenly as can be, however long it lasts.
import { random } from "../judge/random.ts";
import { victims } from "./chaos.ts";
import { isIn, type Life, phases, ways } from "./life.ts";
import { strategyKinds } from "./stage.ts";

/** In an order by the seed: always one whose strategy and way, and whose victim and phase, were tried the least so far. */
export function* variously(seed: string): Generator<Life> {
  const { uniform } = random(seed);
  const tried = new Map<string, number>();
  const lives: readonly Life[] = strategyKinds.flatMap((strategy) =>
    ways.flatMap((way) =>
      victims.flatMap((victim) => phases.filter(isIn(way)).map((phase) => ({ strategy, way, victim, phase }))),
    ),
  );
  for (;;) {
    const [next] = lives
      .map((life) => ({ life, times: timesOf(tried, life), at: uniform() }))
      .toSorted((a, b) => a.times - b.times || a.at - b.at);
    if (next === undefined) return;
    for (const pair of pairsOf(next.life)) tried.set(pair, (tried.get(pair) ?? 0) + 1);
    yield next.life;
  }
}

function timesOf(tried: ReadonlyMap<string, number>, life: Life): number {
  return pairsOf(life).reduce((sum, pair) => sum + (tried.get(pair) ?? 0), 0);
}

function pairsOf({ strategy, way, victim, phase }: Life): readonly string[] {
  return [`${strategy} ${way}`, `${victim} ${phase}`, `${strategy} ${victim}`];
}
