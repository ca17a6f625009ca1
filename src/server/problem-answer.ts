// Errors as RFC 9457 documents: what is so, and what to do about it. A bug's own words stay in the log.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { Problem, Temporary } from "../domain/problem.ts";

/** RFC 9457: `title` says what kind of trouble, `detail` what is so, `mend` what to do about it. */
export interface ProblemDocument {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly mend: string;
  /** Everything that is wrong with a request, each with its path. */
  readonly errors?: readonly { readonly path: string; readonly detail: string }[];
}

/** A Problem with the HTTP status that fits it; any other Problem is a 422. */
export class Refusal extends Problem {
  readonly status: ContentfulStatusCode;
  readonly errors: ProblemDocument["errors"];
  constructor(
    status: ContentfulStatusCode,
    { so, mend, errors }: { so: string; mend: string } & Pick<ProblemDocument, "errors">,
  ) {
    super(so, mend);
    this.status = status;
    this.errors = errors;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: "The request cannot be read",
  401: "Not signed in",
  403: "Not from here",
  404: "Not there",
  409: "Not possible now",
  413: "Too large",
  422: "Not possible as asked",
  429: "Too many failed sign-ins",
  500: "A bug in Sluice",
  503: "Not just now",
};

export function problemAnswer(context: Context, error: unknown, log: (error: unknown) => void): Response {
  const document = documentOf(error);
  if (document.status === 500) log(error);
  if (document.status === 503 || document.status === 429) context.header("Retry-After", "2");
  if (document.status === 401) context.header("WWW-Authenticate", 'Bearer realm="sluice"');
  return context.body(JSON.stringify(document), document.status, { "Content-Type": "application/problem+json" });
}

function documentOf(error: unknown): ProblemDocument & { status: ContentfulStatusCode } {
  const status =
    error instanceof Refusal ? error.status : error instanceof Problem ? 422 : error instanceof Temporary ? 503 : 500;
  const title = titles[status] ?? "Not possible";
  if (error instanceof Problem) {
    const errors = error instanceof Refusal && error.errors !== undefined ? { errors: error.errors } : {};
    return { title, status, detail: error.message, mend: error.mend, ...errors };
  }
  if (error instanceof Temporary) return { title, status, detail: error.message, mend: "Try again in a moment" };
  return { title, status, detail: "The control plane met a bug", mend: "Its log says where: see `sluice doctor`" };
}
