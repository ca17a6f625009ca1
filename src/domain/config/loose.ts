// A value of unknown form and its place in the file: what the cross-checks read, since the form may be wrong too.
import { nearest, oneOf } from "./nearest.ts";
import { type ConfigProblem, pathOf } from "./problems.ts";

/** Asking for what is not there gives an empty one. */
export class Loose {
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
  constructor(value: unknown, path: readonly PropertyKey[]) {
    this.value = value;
    this.path = path;
  }

  get name(): string {
    return String(this.path.at(-1) ?? "");
  }

  get isObject(): boolean {
    return typeof this.value === "object" && this.value !== null && !Array.isArray(this.value);
  }

  get keys(): readonly string[] {
    return this.isObject ? Object.keys(this.value as object) : [];
  }

  get entries(): readonly Loose[] {
    return this.keys.map((key) => this.at(key));
  }

  get items(): readonly Loose[] {
    return Array.isArray(this.value) ? this.value.map((item, i) => new Loose(item, [...this.path, i])) : [];
  }

  get strings(): readonly string[] {
    return this.items.map((item) => item.value).filter((value) => typeof value === "string");
  }

  at(key: string): Loose {
    const inner: unknown = this.isObject ? Object.getOwnPropertyDescriptor(this.value, key)?.value : undefined;
    return new Loose(inner, [...this.path, key]);
  }

  problem(so: string, mend: string): ConfigProblem {
    return { path: pathOf(this.path), so, mend };
  }

  /** No problem when it is not text: that is the schema's to say. */
  mustName(known: readonly string[], what: string): readonly ConfigProblem[] {
    if (typeof this.value !== "string" || known.includes(this.value)) return [];
    return [this.problem(`"${this.value}" is not ${what}`, mendFor(this.value, known))];
  }
}

export function mendFor(wrong: string, known: readonly string[]): string {
  const meant = nearest(wrong, known);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  return known.length === 0 ? "None is named in this file" : `Known: ${oneOf(known)}`;
}

export function hasValue({ value }: Loose): boolean {
  return value !== undefined;
}
