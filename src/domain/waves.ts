// Which services move together: those of one wave depend on nothing that has not gone before.
import type { Intent, NodeId, PlanNode, ServiceName } from "./plan.ts";

type Dependencies = Pick<Intent, "services">;

/** Dependencies are followed through services that do not change. */
export function wavesOf(names: readonly ServiceName[], intent: Dependencies): readonly (readonly ServiceName[])[] {
  const waves: ServiceName[][] = [];
  const placed = new Set<ServiceName>();
  while (placed.size < names.length) {
    const wave = names.filter((n) => !placed.has(n) && needs(n, names, intent).every((needed) => placed.has(needed)));
    if (wave.length === 0)
      throw new Error(`services depend on each other in a circle: ${names.filter((n) => !placed.has(n)).join(", ")}`);
    for (const name of wave) placed.add(name);
    waves.push(wave);
  }
  return waves;
}

/** Nodes one wave after another, the first after `first`; a node belongs to the service that it names. */
export function inWaves(
  waves: readonly (readonly ServiceName[])[],
  nodes: readonly PlanNode[],
  first: readonly NodeId[],
): readonly PlanNode[] {
  const idsOf = (wave: readonly ServiceName[]) => nodes.filter((node) => isIn(node, wave)).map(({ id }) => id);
  return waves.flatMap((wave, i) => {
    const before = waves[i - 1];
    const after = before === undefined ? first : idsOf(before);
    return nodes.filter((node) => isIn(node, wave)).map((node) => ({ ...node, after }));
  });
}

function isIn({ service }: PlanNode, wave: readonly ServiceName[]): boolean {
  return service !== undefined && wave.includes(service);
}

/** Members of `names` that `name` needs, directly or through services that do not change. */
function needs(
  name: ServiceName,
  names: readonly ServiceName[],
  intent: Dependencies,
  seen = new Set<ServiceName>(),
): ServiceName[] {
  const direct = intent.services[name]?.dependsOn ?? [];
  return direct.flatMap((needed) => {
    if (names.includes(needed)) return [needed];
    if (seen.has(needed)) return [];
    seen.add(needed);
    return needs(needed, names, intent, seen);
  });
}
