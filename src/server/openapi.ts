// The OpenAPI 3.1 document, printed from the table of routes, so that it cannot drift from what is parsed.
import { z } from "zod";
import type { Route } from "./routes/route.ts";
import { routes } from "./routes/routes.ts";

export function openapi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = `/api/v1${route.path.replaceAll(/:(\w+)/g, "{$1}")}`;
    paths[path] = { ...paths[path], [route.method]: operation(name, route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Sluice", version, description: "Releases, deployments and their facts. All are JSON unless said." },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: problemSchema },
    },
  };
}

function operation(operationId: string, route: Route): object {
  const { summary, body, takes, isOpen } = route;
  const content = takes !== undefined ? { [takes]: {} } : body && { "application/json": { schema: jsonSchema(body) } };
  return {
    operationId,
    summary,
    ...(isOpen === true ? { security: [] } : {}),
    parameters: [...parameters("path", route.params), ...parameters("query", route.query)],
    ...(content === undefined ? {} : { requestBody: { required: true, content } }),
    responses: {
      200: { description: "Done", ...answerContent[route.answers] },
      default: {
        description: "What is so, and what to do about it (RFC 9457)",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

const answerContent: Record<Route["answers"], object> = {
  json: { content: { "application/json": { schema: { type: "object" } } } },
  events: { content: { "text/event-stream": { schema: { type: "string" } } } },
  lines: { content: { "application/x-ndjson": { schema: { type: "string" } } } },
  text: { content: { "text/plain": { schema: { type: "string" } } } },
  nothing: {},
};

function parameters(place: "path" | "query", schema: z.ZodObject | undefined): readonly object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema);
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: property,
  }));
}

/** What is written by the caller, before defaults and conversions. */
function jsonSchema(schema: z.ZodType): { properties?: Record<string, unknown>; required?: string[] } {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest as { properties?: Record<string, unknown>; required?: string[] };
}

const problemSchema = {
  type: "object",
  required: ["title", "status", "detail", "mend"],
  properties: {
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What is so" },
    mend: { type: "string", description: "What to do about it" },
    errors: {
      type: "array",
      items: { type: "object", properties: { path: { type: "string" }, detail: { type: "string" } } },
    },
  },
};
