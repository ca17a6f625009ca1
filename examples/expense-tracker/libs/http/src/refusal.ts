// An answer that says no on purpose. Everything else that is thrown is a bug and answers 500.
import type { ContentfulStatusCode } from "hono/utils/http-status";

export class Refusal extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly fields: Readonly<Record<string, string>> | undefined;

  constructor(status: ContentfulStatusCode, code: string, message: string, fields?: Readonly<Record<string, string>>) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}
