// A run as an OpenTelemetry trace: one span for the run, one for each task that was performed, under the span that
// TRACEPARENT names; each task is given the TRACEPARENT of its own span. Sent as OTLP/HTTP JSON when the run has ended.
import { randomBytes } from "node:crypto";
import type { Environment } from "./environment.ts";
import type { Result } from "./result.ts";

export type Trace = Readonly<{
  /** W3C Trace Context for a task. */
  parentFor: (id: string) => string;
  ends: (result: Result) => void;
  /** Never fails: what became of it is said in one line, or nothing. */
  send: (isOk: boolean) => Promise<string | undefined>;
}>;

type Span = Readonly<{ name: string; spanId: string; beganMs: number; endedMs: number; result?: Result }>;

/** Undefined where nobody wants one. */
export function openTrace(env: Environment, nowMs: () => number): Trace | undefined {
  const url = endpoint(env);
  const given = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(env.TRACEPARENT ?? "");
  if (url === undefined && !given) return undefined;
  const traceId = given?.[1] ?? randomBytes(16).toString("hex");
  const root: Span = { name: "sluice run", spanId: randomBytes(8).toString("hex"), beganMs: nowMs(), endedMs: 0 };
  const ids = new Map<string, string>();
  const spanOf = (id: string) => {
    const known = ids.get(id) ?? randomBytes(8).toString("hex");
    ids.set(id, known);
    return known;
  };
  const spans: Span[] = [];
  return {
    parentFor: (id) => `00-${traceId}-${spanOf(id)}-01`,
    ends: (result) => {
      const endedMs = nowMs();
      spans.push({ name: result.id, spanId: spanOf(result.id), beganMs: endedMs - result.durationMs, endedMs, result });
    },
    send: async (isOk) => {
      if (url === undefined) return undefined;
      const common = { traceId, isOk, rootId: root.spanId, above: given?.[2] };
      const body = JSON.stringify(otlp([{ ...root, endedMs: nowMs() }, ...spans], common, env));
      const headers = { "content-type": "application/json", ...headersIn(env) };
      try {
        const answer = await fetch(url, { method: "POST", body, headers, signal: AbortSignal.timeout(5000) });
        await answer.arrayBuffer();
        return answer.ok ? undefined : `traces: ${url} answered ${answer.status}`;
      } catch (error) {
        return `traces: ${url} cannot be reached (${error instanceof Error ? error.message : error})`;
      }
    },
  };
}

function endpoint(env: Environment): string | undefined {
  if (env.OTEL_SDK_DISABLED === "true" || env.OTEL_TRACES_EXPORTER === "none") return undefined;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || (base ? `${base.replace(/\/+$/, "")}/v1/traces` : undefined);
}

function headersIn(env: Environment): Record<string, string> {
  const pairs = (env.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? env.OTEL_EXPORTER_OTLP_HEADERS ?? "").split(",");
  return Object.fromEntries(
    pairs.flatMap((pair) => {
      const at = pair.indexOf("=");
      return at < 1 ? [] : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]];
    }),
  );
}

type Common = Readonly<{ traceId: string; isOk: boolean; rootId: string; above: string | undefined }>;

/** opentelemetry-proto, ExportTraceServiceRequest in its JSON form. */
function otlp(spans: readonly Span[], { traceId, isOk, rootId, above }: Common, env: Environment): object {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const nanos = (ms: number) => `${Math.round(ms * 1000)}000`;
  return {
    resourceSpans: [
      {
        resource: { attributes: [text("service.name", env.OTEL_SERVICE_NAME ?? "sluice")] },
        scopeSpans: [
          {
            scope: { name: "sluice" },
            spans: spans.map(({ name, spanId, beganMs, endedMs, result }) => ({
              traceId,
              spanId,
              ...(spanId === rootId ? (above ? { parentSpanId: above } : {}) : { parentSpanId: rootId }),
              name,
              kind: 1,
              startTimeUnixNano: nanos(beganMs),
              endTimeUnixNano: nanos(endedMs),
              attributes: result ? [text("sluice.task", result.id), text("sluice.outcome", result.outcome)] : [],
              status: { code: (result ? result.outcome !== "failed" : isOk) ? 1 : 2 },
            })),
          },
        ],
      },
    ],
  };
}
