// What the supervisor counts, as Prometheus text; the router's own metrics come before it.
import type { ReplicaState } from "./api.ts";
import { expositionOf, type Family, type Sample } from "./exposition.ts";
import type { Fleet } from "./fleet.ts";

const states: readonly ReplicaState[] = ["starting", "ready", "unready", "draining", "stopping", "backing off"];

export function hostMetrics(fleet: Fleet): string {
  const families: readonly Family[] = [
    { name: "sluice_host_replicas", type: "gauge", help: "Replicas by state.", samples: replicaSamples(fleet) },
    {
      name: "sluice_host_restarts_total",
      type: "counter",
      help: "Restarts of present replicas.",
      samples: restartSamples(fleet),
    },
    {
      name: "sluice_host_cut_requests_total",
      type: "counter",
      help: "Requests in flight when their replica was killed at the end of its grace.",
      samples: cutSamples(fleet),
    },
  ];
  return families.map(expositionOf).join("");
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
