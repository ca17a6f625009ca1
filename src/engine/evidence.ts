// What a deployment's bakes were judged on, as a person looks at it: one view for each service that was compared.
import { comparedBakes } from "../domain/compared.ts";
import { type EvidenceView, evidenceView } from "../domain/judge/view.ts";
import type { PlanNode, ServiceName } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import { recordingAt } from "./comparison.ts";
import type { EvidenceStore } from "./ports.ts";

export interface ServiceEvidence {
  readonly service: ServiceName;
  readonly node: string;
  /** Absent when it was compared with nothing, or when its evidence is not kept any more. */
  readonly view?: EvidenceView;
  readonly because?: string;
}

export async function evidenceIn(run: Run, store: EvidenceStore): Promise<readonly ServiceEvidence[]> {
  const nodes = (run.plan?.nodes ?? []).filter(({ id, service }) => service === id);
  return Promise.all(nodes.map((node) => evidenceAt(run, node, store)));
}

async function evidenceAt(run: Run, node: PlanNode, store: EvidenceStore): Promise<ServiceEvidence> {
  const service = node.service ?? node.id;
  const planned = run.plan?.services[service];
  const bakes = planned === undefined ? [] : comparedBakes(node, planned);
  const at = { service, node: node.id };
  if (bakes.length === 0) return { ...at, because: whyNone(planned) };
  const recording = await recordingAt({ run, node, service }, store);
  if (recording === undefined || recording.intervals.length === 0) {
    const isBefore = (run.nodes[node.id]?.step ?? 0) <= (bakes[0]?.index ?? 0);
    return { ...at, because: isBefore ? "no bake has been counted yet" : "its evidence is not kept any more" };
  }
  return { ...at, view: evidenceView(recording, { isOver: isOver(run, node, bakes.at(-1)?.index ?? 0) }) };
}

function whyNone(planned: { readonly stable?: string } | undefined): string {
  return planned?.stable === undefined
    ? "a first deployment: there is no version to compare with"
    : "no bake in which both versions have traffic";
}

/** The last comparison of the rollout has been made, or waits for more. */
function isOver(run: Run, node: PlanNode, lastBake: number): boolean {
  return run.phase.kind !== "running" || run.hold?.node === node.id || (run.nodes[node.id]?.step ?? 0) > lastBake;
}
