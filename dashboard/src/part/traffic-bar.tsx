// One service's traffic at this moment: who carries how much, with names, shares and replicas in words beneath.
import type { ServiceView } from "../view/environment.ts";
import type { Side } from "../view/share.ts";

export function TrafficBar({ service }: { service: ServiceView }) {
  const { sides, serves } = service;
  const total = sides.reduce((sum, side) => sum + side.traffic, 0);
  return (
    <div className="traffic">
      <div className="traffic-bar" role="img" aria-label={`Traffic of ${service.name}: ${words(service)}`}>
        {(["stable", "candidate"] as const).map((role) => {
          const share = sides.filter((side) => side.role === role).reduce((sum, side) => sum + side.traffic, 0);
          return <span key={role} className={`flow is-${role}`} style={{ flexGrow: share }} />;
        })}
        {total === 0 && <span className="no-flow">{serves ? "no traffic" : "serves no requests"}</span>}
      </div>
      <ul className="sides">
        {sides.map((side) => (
          <li key={side.revision}>
            <span className={`key is-${side.role}`} aria-hidden="true" />
            <b title={side.revision}>{side.name}</b>
            {serves && <span className="share">{side.traffic} %</span>}
            <span className="muted">{replicas(side)}</span>
          </li>
        ))}
        {sides.length === 0 && <li className="muted">does not run</li>}
      </ul>
    </div>
  );
}

function words({ sides, serves }: ServiceView): string {
  if (sides.length === 0) return "does not run";
  return sides.map((side) => `${side.name} ${serves ? `${side.traffic} %` : ""} on ${replicas(side)}`).join(", ");
}

function replicas({ replicas: count }: Side): string {
  return `${count} ${count === 1 ? "replica" : "replicas"}`;
}
