// History that grows old: what bakes were judged on is forgotten, deployments that ended long ago are packed.
import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../adapters/postgres/store.ts";
import type { Ms } from "../domain/frame.ts";
import { Temporary } from "../domain/problem.ts";

const hourMs: Ms = 3_600_000;

/** A few at a time: again soon where there is more, else in an hour. */
export async function keepHistory(
  store: Store,
  { afterMs, evidenceMs, signal }: { readonly afterMs: Ms; readonly evidenceMs: Ms; readonly signal: AbortSignal },
): Promise<void> {
  const tell = (error: unknown) => {
    if (!(error instanceof Temporary)) console.error(error);
  };
  while (!signal.aborted) {
    await store.forgetEvidence(evidenceMs).catch(tell);
    const packed = await store.archive(afterMs).catch((error) => {
      tell(error);
      return 0;
    });
    await sleep(packed > 0 ? 1000 : hourMs, undefined, { signal }).catch(() => {}); // stopped
  }
}
