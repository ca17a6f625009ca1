// Names the class of a request, "GET /orders/:id", by which latencies are compared like with like: as the service itself
// describes its routes, else with the parts of a path replaced that look like identifiers. Only the busiest classes have a
// name, the rest is "other".
import { RoutePatterns } from "./route-patterns.ts";

const namedMax = 20;
const cachedMax = 5_000;
const candidatesMax = 500;
/** Longer ones are not worth the memory: most are probes, none comes twice. */
const cachedLengthMax = 300;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const hexOrId = /^(?=.*\d)[0-9a-z_-]{16,}$/i;
const longHex = /^[0-9a-f]{8,}$/i;

export class RouteClasses {
  private readonly cache = new Map<string, string>();
  private readonly busy = new Map<string, number>();
  private named = new Set<string>();
  private patterns = new RoutePatterns([]);

  /** The service's own routes: "GET /orders/{id}". */
  know(patterns: readonly string[]): void {
    if (this.patterns.isOf(patterns)) return;
    this.patterns = new RoutePatterns(patterns);
    this.cache.clear();
  }

  of(method: string, path: string): string {
    const key = `${method} ${path}`;
    let name = this.cache.get(key);
    if (name === undefined) {
      name = this.patterns.of(method, path) ?? classOf(method, path);
      if (this.cache.size >= cachedMax) this.cache.clear();
      if (key.length <= cachedLengthMax) this.cache.set(key, name);
    }
    const seen = this.busy.get(name);
    if (seen !== undefined) this.busy.set(name, seen + 1);
    else if (this.busy.size < candidatesMax) this.busy.set(name, 1);
    if (this.named.has(name)) return name;
    if (this.named.size >= namedMax) return "other";
    this.named.add(name);
    return name;
  }

  /** Once an interval: the busiest keep their names. A named class gives way only to one with twice its traffic. */
  rank(): void {
    const weighed = [...this.busy].map(([name, n]) => ({ name, n, weight: this.named.has(name) ? n * 2 : n }));
    weighed.sort((a, b) => b.weight - a.weight);
    this.named = new Set(weighed.slice(0, namedMax).map((c) => c.name));
    this.busy.clear();
    for (const { name, n } of weighed) if (n >= 1 || this.named.has(name)) this.busy.set(name, n * 0.8);
  }
}

export function classOf(method: string, path: string): string {
  const parts = path.split("/").slice(0, 9);
  return `${method} ${parts.map(placeholder).join("/").slice(0, 200)}`;
}

function placeholder(part: string): string {
  if (part === "" || part.length > 80) return part === "" ? "" : ":id";
  if (/^\d+$/.test(part) || uuid.test(part) || hexOrId.test(part)) return ":id";
  if (longHex.test(part) && /\d/.test(part)) return ":id";
  return part;
}
