// What is asked of Prometheus: selectors of raw counters for the usual gateways, and a team's own as templates. Selectors,
// not expressions: of rate() and sum() nobody can tell any more what was scraped when.
import type { Gateway } from "../../../domain/config/metrics.ts";
import { Problem } from "../../../domain/problem.ts";
import type { Role } from "../targets.ts";

/** `$environment`, `$service` and `$revision` stand for themselves. */
interface Templates {
  readonly requests: string;
  readonly errors: string;
  /** A histogram of successes, classic (its _bucket series) or native. Left out: latency is not compared. */
  readonly latency?: string;
  /** Anything that is there from a target's first scrape on: then its first counted request is known to be one. */
  readonly scraped?: string;
}

export interface Queries extends Templates {
  readonly unit: "s" | "ms";
  /** Labels that make a route's name, in order. */
  readonly route: readonly string[];
  /** Who counts: a gateway both sides at once, or each replica for itself. */
  readonly countedBy: "gateway" | "replica";
}

/**
 * On Kubernetes a revision's workload and Service have its name. Envoy-based gateways (Contour, Envoy Gateway, Gloo) name a
 * cluster after the Service that it leads to, among other things.
 */
export const ready: Record<Gateway, Queries> = {
  sluice: {
    requests: 'sluice_requests_total{service="$environment/$service",revision="$revision"}',
    errors: 'sluice_errors_total{service="$environment/$service",revision="$revision"}',
    latency: 'sluice_latency_seconds_bucket{service="$environment/$service",revision="$revision"}',
    scraped: 'sluice_weight{service="$environment/$service"}',
    unit: "s",
    route: ["route"],
    countedBy: "gateway",
  },
  istio: {
    requests: 'istio_requests_total{reporter=~"destination|waypoint",destination_workload="$revision"}',
    errors:
      'istio_requests_total{reporter=~"destination|waypoint",destination_workload="$revision",response_code=~"5..|0"}',
    latency:
      'istio_request_duration_milliseconds_bucket{reporter=~"destination|waypoint",destination_workload="$revision",response_code!~"5..|0"}',
    unit: "ms",
    route: ["request_operation"],
    countedBy: "replica",
  },
  envoy: {
    requests: 'envoy_cluster_upstream_rq_total{envoy_cluster_name=~"(.*[^a-z0-9-])?$revision([^a-z0-9-].*)?"}',
    errors:
      'envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name=~"(.*[^a-z0-9-])?$revision([^a-z0-9-].*)?"}',
    latency: 'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"(.*[^a-z0-9-])?$revision([^a-z0-9-].*)?"}',
    unit: "ms",
    route: [],
    countedBy: "gateway",
  },
  nginx: {
    requests: 'nginx_ingress_controller_requests{service="$revision"}',
    errors: 'nginx_ingress_controller_requests{service="$revision",status=~"5.."}',
    latency: 'nginx_ingress_controller_request_duration_seconds_bucket{service="$revision",status!~"5.."}',
    unit: "s",
    route: ["method", "path"],
    countedBy: "gateway",
  },
  traefik: {
    requests: 'traefik_service_requests_total{service=~"(.*-)?$revision(-.*)?@.*"}',
    errors: 'traefik_service_requests_total{service=~"(.*-)?$revision(-.*)?@.*",code=~"5.."}',
    latency: 'traefik_service_request_duration_seconds_bucket{service=~"(.*-)?$revision(-.*)?@.*",code!~"5.."}',
    unit: "s",
    route: ["method"],
    countedBy: "gateway",
  },
  linkerd: {
    requests: 'response_total{direction="inbound",deployment="$revision",route_name!="probe"}',
    errors: 'response_total{direction="inbound",deployment="$revision",route_name!="probe",classification="failure"}',
    latency:
      'response_latency_ms_bucket{direction="inbound",deployment="$revision",route_name!="probe",classification!="failure"}',
    unit: "ms",
    route: ["route_name"],
    countedBy: "replica",
  },
  cilium: {
    requests: 'hubble_http_requests_total{reporter="server",destination_workload="$revision"}',
    errors: 'hubble_http_requests_total{reporter="server",destination_workload="$revision",status=~"5.."}',
    latency: 'hubble_http_request_duration_seconds_bucket{reporter="server",destination_workload="$revision"}',
    unit: "s",
    route: ["method"],
    countedBy: "replica",
  },
  opentelemetry: {
    requests: 'http_server_request_duration_seconds_count{service_name="$service",service_version="$revision"}',
    errors:
      'http_server_request_duration_seconds_count{service_name="$service",service_version="$revision",http_response_status_code=~"5.."}',
    latency:
      'http_server_request_duration_seconds_bucket{service_name="$service",service_version="$revision",http_response_status_code!~"5.."}',
    scraped: 'target_info{service_name="$service",service_version="$revision"}',
    unit: "s",
    route: ["http_request_method", "http_route"],
    countedBy: "replica",
  },
  "prom-client": {
    requests: 'http_request_duration_seconds_count{revision="$revision"}',
    errors: 'http_request_duration_seconds_count{revision="$revision",status_code=~"5.."}',
    latency: 'http_request_duration_seconds_bucket{revision="$revision",status_code!~"5.."}',
    scraped: 'up{revision="$revision"}',
    unit: "s",
    route: ["method", "route"],
    countedBy: "replica",
  },
};

export interface Named {
  readonly environment: string;
  readonly service: string;
  readonly revision: string;
}

/** The selectors of one side. */
export function selectors(
  queries: Queries,
  named: Named,
): readonly { readonly role: Role; readonly selector: string }[] {
  return (["requests", "errors", "latency", "scraped"] as const).flatMap((role) => {
    const template = queries[role];
    return template === undefined ? [] : [{ role, selector: filled(template, named) }];
  });
}

/** Raw samples of the last so many ms, as scraped. */
export function rangeOf(selector: string, lastMs: number): string {
  if (!isSelector(selector)) {
    throw new Problem(
      `metrics.prometheus.queries: ${selector} is not a selector of series`,
      "Write a metric with its labels, 'http_requests_total{app=\"web\"}': Sluice takes the differences itself",
    );
  }
  return `${selector}[${Math.ceil(lastMs / 1000)}s]`;
}

/** metric{label="value", …}, either part alone; no function, operator or range. */
export function isSelector(text: string): boolean {
  const matcher = String.raw`\s*[a-zA-Z_]\w*\s*(=~|!~|!=|=)\s*("([^"\\]|\\.)*"|'([^'\\]|\\.)*')\s*`;
  return new RegExp(`^\\s*(?=\\S)([a-zA-Z_:][\\w:]*)?\\s*(\\{(${matcher}(,${matcher})*,?)?\\s*\\})?\\s*$`).test(text);
}

export function filled(template: string, named: Named): string {
  return template.replaceAll(/\$(environment|service|revision)\b/g, (_, name: keyof Named) => named[name]);
}
