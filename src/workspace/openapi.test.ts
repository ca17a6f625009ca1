// Routes from OpenAPI documents as teams have them: JSON or YAML, with or without a base path.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openapiRoutes } from "./openapi.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-openapi-"));
afterAll(() => rmSync(folder, { recursive: true }));

function routesOf(text: string): Promise<readonly string[]> {
  const file = join(folder, "openapi");
  writeFileSync(file, text);
  return openapiRoutes(file, "apps/api/openapi");
}

test("each path and method is a route, below the first server's path", async () => {
  const yaml = `
openapi: 3.1.0
servers: [{ url: "https://shop.example/api/v1/" }]
paths:
  /orders/{id}:
    parameters: []
    get: {}
    delete: {}
  /orders: { post: {}, x-internal: true }
`;
  const routes = ["DELETE /api/v1/orders/{id}", "GET /api/v1/orders/{id}", "POST /api/v1/orders"];
  expect(await routesOf(yaml)).toEqual(routes);
});

test("JSON is read alike; a server without a path, or with variables, adds none", async () => {
  const paths = { "/health": { get: {} } };
  for (const url of ["http://localhost:3000", "/", "https://{region}.shop.example/{base}"])
    expect(await routesOf(JSON.stringify({ paths, servers: [{ url }] }))).toEqual(["GET /health"]);
});

test("a file that is missing or something else is told by name", async () => {
  await expect(openapiRoutes(join(folder, "nowhere"), "apps/api/openapi.json")).rejects.toThrow(
    "apps/api/openapi.json is not there",
  );
  await expect(routesOf('{"name":"api"}')).rejects.toThrow("is not an OpenAPI document: it has no paths");
});

test("at most a thousand routes, and none that is no path", async () => {
  const many = Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`/r${i}`, { get: {} }]));
  const routes = await routesOf(JSON.stringify({ paths: { ...many, "no slash": { get: {} } } }));
  expect(routes).toHaveLength(1_000);
  expect(routes.every((route) => route.startsWith("GET /r"))).toBe(true);
});
