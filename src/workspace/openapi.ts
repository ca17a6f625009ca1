// The routes of a service from its OpenAPI document, so that its latencies are compared route by route as it names them.
import { readFile } from "node:fs/promises";
import { Problem } from "../domain/problem.ts";
import { isObject } from "./jsonc.ts";
import { parseYaml } from "./yaml.ts";

const methods = new Set(["get", "put", "post", "delete", "options", "head", "patch"]);
/** A service with more routes than anybody could look at names its busiest by itself. */
const routesMax = 1_000;
const routeLengthMax = 200;

/** "GET /orders/{id}", sorted. `name` is how people know the file. */
export async function openapiRoutes(file: string, name: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new Problem(
      `${name} is not there`,
      "Mend the service's openapi, or make the file before the release is built",
    );
  });
  // JSON is YAML, too.
  const document = await parseYaml(text, name);
  const { paths } = document;
  if (!isObject(paths))
    throw new Problem(
      `${name} is not an OpenAPI document: it has no paths`,
      "Name the document that describes the service",
    );
  const base = basePath(document.servers);
  const routes = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(isObject(item) ? item : {})
      .filter((method) => methods.has(method))
      .map((method) => `${method.toUpperCase()} ${base}${path}`),
  );
  return routes
    .filter((route) => route.length <= routeLengthMax && /^[A-Z]+ \/\S*$/.test(route))
    .toSorted()
    .slice(0, routesMax);
}

/** Paths are relative to the path of the first server. */
function basePath(servers: unknown): string {
  const [first]: unknown[] = Array.isArray(servers) ? servers : [];
  const url = isObject(first) && typeof first.url === "string" ? first.url : "";
  return /^(?:https?:\/\/[^/]*)?(\/[^{}?#]*?)\/?$/.exec(url)?.[1]?.replace(/\/$/, "") ?? "";
}
