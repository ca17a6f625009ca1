// The routes that a service describes itself ("GET /orders/{id}", as in OpenAPI), and which of them a request is for.

interface Pattern {
  readonly name: string;
  /** Undefined where anything may stand. */
  readonly parts: readonly (string | undefined)[];
}

export class RoutePatterns {
  private readonly names: readonly string[];
  /** By method and number of parts; those with more fixed parts first, as OpenAPI says. */
  private readonly byShape = new Map<string, Pattern[]>();

  constructor(names: readonly string[]) {
    this.names = names;
    for (const name of names) {
      const [method = "", path = ""] = name.split(" ");
      const parts = partsOf(path).map((part) => (/^(\{.*\}|:.+)$/.test(part) ? undefined : part));
      const shape = `${method} ${parts.length}`;
      this.byShape.set(shape, [...(this.byShape.get(shape) ?? []), { name, parts }]);
    }
    for (const patterns of this.byShape.values()) patterns.sort((a, b) => open(a) - open(b));
  }

  isOf(names: readonly string[]): boolean {
    return names.length === this.names.length && names.every((name, i) => name === this.names[i]);
  }

  of(method: string, path: string): string | undefined {
    if (this.names.length === 0) return undefined;
    const parts = partsOf(path);
    const alike = this.byShape.get(`${method} ${parts.length}`);
    return alike?.find((pattern) => pattern.parts.every((part, i) => part === undefined || part === parts[i]))?.name;
  }
}

function open({ parts }: Pattern): number {
  return parts.filter((part) => part === undefined).length;
}

function partsOf(path: string): readonly string[] {
  return path.replace(/^\/|\/$/g, "").split("/");
}
