// The demonstration's own traffic: what was sent, what failed, and what a faulty version answered badly.
import { useEffect, useState } from "react";
import type { Traffic } from "../../../src/server/records.ts";

const kept = 60;

/** `traffic` is looked at once a second: what was sent since the last look is the rate. */
export function DemoTraffic({ traffic }: { traffic: Traffic }) {
  const rates = useRates(traffic.sent);
  return (
    <section className="card demo" aria-label="Traffic of the demonstration">
      <Figure name="requests sent" value={traffic.sent} />
      <Figure name="failed" value={traffic.failed} tone={traffic.failed === 0 ? "good" : "bad"} />
      <Figure
        name="answered badly by a faulty version"
        value={traffic.badServed}
        tone={traffic.badServed === 0 ? "plain" : "warn"}
      />
      <Spark rates={rates} />
    </section>
  );
}

function useRates(sent: number): readonly number[] {
  const [seen, setSeen] = useState<{ readonly sent: number; readonly rates: readonly number[] }>();
  useEffect(() => {
    setSeen((before) => {
      if (before === undefined) return { sent, rates: [] };
      return { sent, rates: [...before.rates, Math.max(0, sent - before.sent)].slice(-kept) };
    });
  }, [sent]);
  return seen?.rates ?? [];
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
