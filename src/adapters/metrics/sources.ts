// Where an environment's numbers come from, as its configuration says. The host's own unless another is named; probes are
// always ours.
import type { Config } from "../../domain/config/config.ts";
import type { Observation, ReplicaInterval } from "../../domain/evidence.ts";
import type { Ms, RevisionId } from "../../domain/frame.ts";
import { Problem } from "../../domain/problem.ts";
import type { MetricSource } from "../../engine/ports.ts";
import { type PushedPoints, pushedReplicas, readPushed } from "./otlp/source.ts";
import type { Place } from "./prometheus/client.ts";
import { ready } from "./prometheus/queries.ts";
import { type PrometheusSettings, prometheusReplicas, readPrometheus, samplePrometheus } from "./prometheus/source.ts";

interface ReplicaQuery {
  readonly environment: string;
  readonly service: string;
  readonly revision: RevisionId;
  readonly since: Ms;
}

type MetricsConfig = Config["environments"][string]["metrics"];
type Asked = Parameters<MetricSource["read"]>[0];

export interface SourcesOptions {
  readonly host: MetricSource;
  readonly pushed: PushedPoints;
  hostReplicas(query: ReplicaQuery): Promise<readonly ReplicaInterval[]>;
  /** As the release says that a revision came with. */
  settings(environment: string, revision: RevisionId): Promise<MetricsConfig | undefined>;
  secret(environment: string, name: string): string;
  nowMs(): Ms;
}

export interface Sources extends MetricSource {
  /** Of one revision, replica by replica; nothing where the source does not tell them apart. */
  replicas(query: ReplicaQuery): Promise<readonly ReplicaInterval[]>;
}

export function metricSources(options: SourcesOptions): Sources {
  const { host, pushed, nowMs } = options;
  const once = askedSeldom(nowMs);
  return {
    read: async (asked) => {
      const metrics = await options.settings(asked.environment, asked.candidate);
      if (metrics === undefined || metrics.source === "host") return host.read(asked);
      if (metrics.source === "otlp") {
        const { interval } = metrics.otlp;
        return once(asked, interval / 3, () => readPushed(asked, { pushed, intervalMs: interval, nowMs: nowMs() }));
      }
      const settings = prometheusOf(metrics, asked.environment, options);
      return once(asked, settings.intervalMs / 3, () => readPrometheus(asked, settings, nowMs));
    },
    sample: async (query) => {
      if (query.source !== "prometheus") return host.sample(query);
      const metrics = await options.settings(query.environment, query.revision);
      return samplePrometheus(query, prometheusOf(metrics, query.environment, options), nowMs);
    },
    probe: host.probe,
    replicas: async (query) => {
      const { environment, service, revision: candidate, since } = query;
      const metrics = await options.settings(environment, candidate);
      const asked = { environment, service, candidate, since };
      if (metrics?.source === "prometheus") {
        return prometheusReplicas(asked, prometheusOf(metrics, environment, options), nowMs);
      }
      if (metrics?.source === "otlp") {
        return pushedReplicas(asked, { pushed, intervalMs: metrics.otlp.interval, nowMs: nowMs() });
      }
      return options.hostReplicas(query);
    },
  };
}

/** A bake looks several times a second; a source has something new a few times a minute. */
function askedSeldom(nowMs: () => Ms) {
  const last = new Map<string, { readonly atMs: Ms; readonly answer: Promise<readonly Observation[]> }>();
  return (
    { environment, service, candidate, since }: Asked,
    everyMs: Ms,
    ask: () => Promise<readonly Observation[]>,
  ) => {
    for (const [key, { atMs }] of last) if (nowMs() - atMs > 60_000) last.delete(key);
    const key = JSON.stringify([environment, service, candidate, since]);
    const known = last.get(key);
    if (known !== undefined && nowMs() - known.atMs < everyMs) return known.answer;
    const answer = ask();
    last.set(key, { atMs: nowMs(), answer });
    return answer;
  };
}

function prometheusOf(
  metrics: MetricsConfig | undefined,
  environment: string,
  { secret }: Pick<SourcesOptions, "secret">,
): PrometheusSettings {
  const settings = metrics?.prometheus;
  if (settings === undefined) {
    throw new Problem(
      `${environment} names no Prometheus`,
      `Add to environments.${environment}: metrics: { prometheus: { url: "http://…" } }`,
    );
  }
  const { url, gateway, queries, interval, token, ca, certificate, key } = settings;
  const given = Object.entries({ token, ca, certificate, key }).flatMap(([name, one]) =>
    one === undefined ? [] : [[name, secret(environment, one.secret).replaceAll("\\n", "\n")]],
  );
  const places = [url].flat().map((one): Place => ({ url: one, ...Object.fromEntries(given) }));
  return { places, queries: queries ?? ready[gateway], intervalMs: interval };
}
