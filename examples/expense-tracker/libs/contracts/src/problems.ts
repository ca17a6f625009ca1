// The answer to a request that cannot be served, and to one whose fields are wrong (then with a message a field).
import * as z from "zod/mini";

export const ProblemAnswer = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    fields: z.optional(z.record(z.string(), z.string())),
  }),
});
export type ProblemAnswer = z.output<typeof ProblemAnswer>;
