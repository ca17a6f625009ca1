// How a service is just now, by its probes and by what its replicas' own health answers say, part by part.
import type { HealthStatus, ReplicaHealth, ServiceHealth } from "../../../src/domain/health.ts";
import { HealthBadge } from "./badge.tsx";

export function ServiceHealthLine({ health }: { health: ServiceHealth }) {
  const { status, replicas } = health;
  const told = replicas.filter((replica) => replica.status !== "healthy" || replica.parts.length > 0);
  const line = (
    <>
      <HealthBadge status={status} />{" "}
      <span className="muted">
        {replicas.filter(({ state }) => state === "ready").length} of {replicas.length} ready
      </span>
    </>
  );
  if (told.length === 0) return <p className="health">{line}</p>;
  return (
    <details className="health">
      <summary>{line}</summary>
      <ul>
        {told.map((replica) => (
          <Replica key={replica.id} replica={replica} />
        ))}
      </ul>
    </details>
  );
}

function Replica({ replica: { id, status, state, because, parts } }: { replica: ReplicaHealth }) {
  const why = [state, because].filter((part) => part !== undefined).join(": ");
  return (
    <li>
      <Mark status={status} /> {id} {state !== "ready" && <span className="muted">{why}</span>}
      <ul>
        {parts.map(({ name, status: one, note }) => (
          <li key={name}>
            <Mark status={one} /> {name} <span className="muted">{note}</span>
          </li>
        ))}
      </ul>
    </li>
  );
}

const marks: Readonly<Record<HealthStatus, readonly [sign: string, tone: string]>> = {
  healthy: ["✓", "good"],
  degraded: ["!", "warn"],
  unhealthy: ["✗", "bad"],
};

function Mark({ status }: { status: HealthStatus }) {
  const [sign, tone] = marks[status];
  return (
    <>
      <span className={`mark is-${tone}`} aria-hidden="true">
        {sign}
      </span>
      <span className="for-listeners">{status}</span>
    </>
  );
}
