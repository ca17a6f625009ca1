// What is wrong with a configuration, for people: each problem with its path in the file, what is so, and its mend.
import { z } from "zod";
import { Problem } from "../problem.ts";
import { nearest, oneOf } from "./nearest.ts";

export interface ConfigProblem {
  /** "services.web.memory"; empty for the whole. */
  readonly path: string;
  readonly so: string;
  readonly mend: string;
}

/** All of them as one: a sentence with their number, then a block for each. */
export class InvalidConfig extends Problem {
  readonly problems: readonly ConfigProblem[];
  constructor(file: string, problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super([`${file} has ${count}:`, ...problems.map(printed)].join("\n"), "Mend the file, then run the same again");
    this.problems = problems;
  }
}

function printed({ path, so, mend }: ConfigProblem): string {
  return `  ${path ? `${path}: ` : ""}${so}\n    ${mend}`;
}

export function pathOf(parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === "number") return `${path}[${part}]`;
    const name = /^[\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part));
    return path ? `${path}.${name}` : name;
  }, "");
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

export function problemsOf(issues: readonly Issue[], schema: z.ZodType): readonly ConfigProblem[] {
  const shape: JsonSchema = z.toJSONSchema(schema, { io: "input" });
  return issues.flatMap((issue) => explain(issue, [], shape));
}

function explain(issue: Issue, above: Path, shape: JsonSchema): readonly ConfigProblem[] {
  const at = [...above, ...issue.path];
  const path = pathOf(at);
  if (issue.code === "invalid_union") return explainUnion(issue, at, shape);
  if (issue.code === "unrecognized_keys") return issue.keys.map((name) => unknownKey(name, at, shape));
  if (issue.code === "invalid_key") return [{ path, so: because(issue.issues[0]), mend: "Choose another name" }];
  if (issue.input === undefined && issue.code === "invalid_type") {
    return [{ path, so: "is missing", mend: `Add ${wanted(issue, at, shape)}` }];
  }
  if (issue.code === "custom") return [{ path, so: issue.message, mend: String(issue.params?.mend ?? "") }];
  return [{ path, so: `${show(issue.input)} ${because(issue)}`, mend: `Write ${wanted(issue, at, shape)}` }];
}

/** Of several forms, the one that was meant: all of its keys known, else the one with the fewest problems. */
function explainUnion(issue: Extract<Issue, { code: "invalid_union" }>, at: Path, shape: JsonSchema) {
  const path = pathOf(at);
  if (issue.input === undefined) return [{ path, so: "is missing", mend: `Add ${wanted(issue, at, shape)}` }];
  const unknown = unknownInAll(issue.errors);
  if (unknown.length > 0) return unknown.map((name) => unknownKey(name, at, shape));
  const forms = issue.errors
    .filter((form) => !form.some(isOfAnotherType))
    .sort((a, b) => a.filter(isStranger).length - b.filter(isStranger).length || a.length - b.length);
  const meant = forms[0];
  if (meant === undefined)
    return [{ path, so: `${show(issue.input)} is not understood`, mend: `Write ${wanted(issue, at, shape)}` }];
  return meant.flatMap((inner) => explain(inner, at, shape));
}

function isOfAnotherType(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function isStranger(issue: Issue): boolean {
  return issue.code === "unrecognized_keys";
}

function unknownInAll(forms: readonly (readonly Issue[])[]): readonly string[] {
  const named = forms.map((form) =>
    form.flatMap((issue) => (issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : [])),
  );
  const objects = named.filter((_, i) => !forms[i]?.some(isOfAnotherType));
  return objects[0]?.filter((name) => objects.every((names) => names.includes(name))) ?? [];
}

function unknownKey(name: string, at: Path, shape: JsonSchema): ConfigProblem {
  const known = keysAt(shape, at);
  const meant = nearest(name, known);
  const mend = meant ? `Did you mean "${meant}"?` : `Known here: ${known.toSorted().join(", ")}`;
  return { path: pathOf([...at, name]), so: `"${name}" is not a known key`, mend };
}

function because(issue: Issue | undefined): string {
  if (issue === undefined) return "is not right";
  if (issue.code === "invalid_type") return `is not ${article(issue.expected)}`;
  if (issue.code === "invalid_value") return `is not ${oneOf(issue.values.map(String))}`;
  if (issue.code === "too_small") return `is below ${issue.minimum}`;
  if (issue.code === "too_big") return `is above ${issue.maximum}`;
  return `is not right: ${issue.message}`;
}

function article(type: string): string {
  const names: Record<string, string> = {
    string: "text",
    record: "an object",
    object: "an object",
    array: "a list",
    int: "a whole number",
  };
  return names[type] ?? `a ${type}`;
}

function wanted(issue: Issue, at: Path, shape: JsonSchema): string {
  if (issue.code === "invalid_value") return oneOf(issue.values.map(String));
  const example = schemasAt(shape, at)
    .map((schema) => schema.example)
    .find((value) => value !== undefined);
  if (example !== undefined) return `for example ${String(at.at(-1))}: ${show(example)}`;
  return issue.code === "invalid_type" ? article(issue.expected) : "another value";
}

function show(value: unknown): string {
  return (
    JSON.stringify(value)
      ?.replaceAll(/"(\w+)":/g, "$1: ")
      .replaceAll(",", ", ") ?? String(value)
  );
}

// The JSON schema is the plainest map of what may stand where.
interface JsonSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
  readonly items?: unknown;
  readonly anyOf?: readonly unknown[];
  readonly oneOf?: readonly unknown[];
  readonly example?: unknown;
}

function keysAt(shape: JsonSchema, at: Path): readonly string[] {
  return [...new Set(schemasAt(shape, at).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

/** Every schema that a value at this path may be held against. */
function schemasAt(shape: unknown, at: Path): readonly JsonSchema[] {
  if (typeof shape !== "object" || shape === null) return [];
  const here: JsonSchema = shape;
  const forms = [...(here.anyOf ?? []), ...(here.oneOf ?? [])];
  const [first, ...rest] = at;
  if (first === undefined) return [here, ...forms.flatMap((form) => schemasAt(form, []))];
  const below = [
    here.properties?.[String(first)] ?? here.additionalProperties,
    ...(typeof first === "number" ? [here.items] : []),
  ];
  return [...below.flatMap((inner) => schemasAt(inner, rest)), ...forms.flatMap((form) => schemasAt(form, at))];
}
