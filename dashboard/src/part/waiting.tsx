// What a deployment waits for at this very moment, as its worker last said it.
import type { Answers } from "../../../src/server/routes/routes.ts";
import { ask } from "../api.ts";
import { usePolled } from "../polled.ts";

export function Waiting({ id }: { id: string }) {
  const look = async (): Promise<readonly string[] | undefined> => {
    const answer = await ask<Answers["getDeployment"]>(`/deployments/${encodeURIComponent(id)}`);
    return answer.ok ? answer.value.waiting : undefined;
  };
  const waiting = usePolled(id, look, 1500) ?? [];
  return <p className="muted">{waiting.length > 0 && `Waits: ${waiting.join("; ")}`}</p>;
}
