// What a route is, and the parts that requests are made of.
import { z } from "zod";

export interface Route {
  readonly method: "get" | "head" | "post" | "put";
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What a successful answer is; its shape for clients is in `Answers`. */
  readonly answers: "json" | "events" | "lines" | "text" | "nothing";
  /** Where else it is found: a path that other programs expect. */
  readonly alias?: string;
  /** Answers without a token. */
  readonly isOpen?: true;
  /** Takes a body that is not JSON. */
  readonly takes?: "application/octet-stream" | "application/x-protobuf";
  /** Also with the token that may do nothing else. */
  readonly forMetrics?: true;
}

export const name = z.string().min(1).max(63);
export const reason = z.string().min(1).max(500).optional().describe("Why; it is kept in the history");
export const id = z.string().min(1).max(100);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const whole = z.coerce.number().int().min(0);
export const days = z.int().min(1).max(3650).default(90).describe("How long it is good for");
export const flag = z.enum(["true", "false"]).transform((text) => text === "true");
export const deploymentPath = z.object({ id });
export const environmentPath = z.object({ environment: name });
export const services = z.array(name).min(1).optional().describe("Only these; default all");
export const byVersion = z.string().min(1).max(100).describe("A release's id, or its version");
