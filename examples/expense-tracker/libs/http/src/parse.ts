// Reads a request's body or query against a schema; what is wrong with it comes back as one message a field.
import * as z from "zod/mini";
import { Refusal } from "./refusal.ts";

type WithBody = Readonly<{ json: () => Promise<unknown> }>;

export async function parseBody<Schema extends z.ZodMiniType>(
  request: WithBody,
  schema: Schema,
): Promise<z.output<Schema>> {
  let body: unknown;
  try {
    body = await request.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal(400, "not_json", "The body of this request is not JSON");
  }
  return parse(schema, body);
}

export function parse<Schema extends z.ZodMiniType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const fields: Record<string, string> = {};
  for (const issue of parsed.error.issues) fields[issue.path.join(".") || "body"] ??= issue.message;
  throw new Refusal(422, "invalid", Object.values(fields).join("; "), fields);
}
