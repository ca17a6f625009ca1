// What the supervisor counts, as Prometheus text; the router's own metrics come before it.
import type { ReplicaState } from "./api.ts";
import type { Fleet } from "./fleet.ts";

const states: readonly ReplicaState[] = ["starting", "ready", "unready", "draining", "stopping", "backing off"];

export function hostMetrics(fleet: Fleet): string {
  const families = [
    family("sluice_host_replicas", { type: "gauge", help: "Replicas by state.", samples: replicaSamples(fleet) }),
    family("sluice_host_restarts_total", {
      type: "counter",
      help: "Restarts of present replicas.",
      samples: restartSamples(fleet),
    }),
    family("sluice_host_cut_requests_total", {
      type: "counter",
      help: "Requests in flight when their replica was killed at the end of its grace.",
      samples: cutSamples(fleet),
    }),
  ];
  return families.join("");
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function family(
  name: string,
  { type, help, samples }: { type: string; help: string; samples: readonly Sample[] },
): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}{${pairs.join(",")}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function replicaSamples(fleet: Fleet): readonly Sample[] {
  return revisionsOf(fleet).flatMap(({ service, revision }) =>
    states.map((state) => ({
      labels: { service, revision, state },
      value: fleet.of(service).filter(({ record }) => record.revision === revision && record.state === state).length,
    })),
  );
}

function restartSamples(fleet: Fleet): readonly Sample[] {
  return fleet.all().map(({ record: { service, revision, id, restarts } }) => ({
    labels: { service, revision, replica: id },
    value: restarts,
  }));
}

function cutSamples(fleet: Fleet): readonly Sample[] {
  return Object.entries(fleet.state.services).flatMap(([service, { cut }]) =>
    Object.entries(cut).map(([revision, value]) => ({ labels: { service, revision }, value })),
  );
}

function revisionsOf(fleet: Fleet): readonly { service: string; revision: string }[] {
  return Object.keys(fleet.state.services).flatMap((service) =>
    [...new Set(fleet.of(service).map(({ record }) => record.revision))].map((revision) => ({ service, revision })),
  );
}
