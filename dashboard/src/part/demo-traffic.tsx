// The demonstration's own traffic: what was sent, what failed, and what a faulty version answered badly.
import { useEffect, useState } from "react";
import { ask, offers } from "../api.ts";
import { usePolled } from "../polled.ts";

export interface DemoCounts {
  readonly sent: number;
  readonly failed: number;
  readonly badServed: number;
  /** Requests a second, as it is offered. */
  readonly ratePerSecond?: number;
  readonly note?: string;
}

const everyMs = 1000;
const neverMs = 2 ** 31 - 1;
const kept = 60;

interface Seen {
  readonly counts: DemoCounts;
  /** Requests sent in each of the last seconds. */
  readonly rates: readonly number[];
}

export function DemoTraffic() {
  const seen = useDemo();
  if (seen === undefined) return null;
  const { counts, rates } = seen;
  return (
    <section className="card demo" aria-label="Traffic of the demonstration">
      <Figure name="requests sent" value={counts.sent} />
      <Figure name="failed" value={counts.failed} tone={counts.failed === 0 ? "good" : "bad"} />
      <Figure
        name="answered badly by a faulty version"
        value={counts.badServed}
        tone={counts.badServed === 0 ? "plain" : "warn"}
      />
      <Spark rates={rates} />
    </section>
  );
}

function Figure({
  name,
  value,
  tone = "plain",
}: {
  name: string;
  value: number;
  tone?: "plain" | "good" | "bad" | "warn";
}) {
  return (
    <p className={`figure is-${tone}`}>
      <b>{value.toLocaleString("en")}</b> <span>{name}</span>
    </p>
  );
}

function Spark({ rates }: { rates: readonly number[] }) {
  const top = Math.max(1, ...rates);
  const points = rates.map((rate, i) => `${i + kept - rates.length},${(30 - (rate / top) * 28).toFixed(1)}`);
  return (
    <p className="figure spark">
      <svg viewBox={`0 0 ${kept - 1} 31`} preserveAspectRatio="none" aria-hidden="true">
        <polyline points={points.join(" ")} />
      </svg>
      <span>{Math.round(rates.at(-1) ?? 0)} requests a second</span>
    </p>
  );
}

/** Asks each second, where the server's own description says that it runs a demonstration. */
function useDemo(): Seen | undefined {
  const [seen, setSeen] = useState<Seen>();
  const isOffered = usePolled("offers", () => offers("/demo"), neverMs) ?? false;
  const counts = usePolled(isOffered ? "demo" : undefined, look, everyMs);
  useEffect(() => {
    if (counts !== undefined) setSeen((before) => grown(before, counts));
  }, [counts]);
  return seen;
}

async function look(): Promise<DemoCounts | undefined> {
  const answer = await ask<DemoCounts>("/demo");
  return answer.ok ? answer.value : undefined;
}

function grown(before: Seen | undefined, counts: DemoCounts): Seen {
  if (before === undefined) return { counts, rates: [] };
  return { counts, rates: [...before.rates, Math.max(0, counts.sent - before.counts.sent)].slice(-kept) };
}
