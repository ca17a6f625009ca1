// The HTTP API and the page: guards first, then who asks, then what; every answer that is no success says what to do.
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import type { Ms } from "../domain/frame.ts";
import type { Person } from "../domain/verbs.ts";
import type { Clock } from "../engine/ports.ts";
import { type Auth, tokenAuth } from "./auth.ts";
import { addBuilds } from "./builds.ts";
import { guard, securityHeaders } from "./guard.ts";
import { handlers } from "./handlers/handlers.ts";
import { page } from "./page.ts";
import { problemAnswer, Refusal } from "./problem-answer.ts";
import type { Places, Records } from "./records.ts";
import type { Route } from "./routes/route.ts";
import { type RouteName, routes } from "./routes/routes.ts";
import { addSharedCache } from "./shared-cache.ts";
import { addSignIn, personOf } from "./sign-in.ts";

export interface ServerOptions {
  readonly records: Records;
  readonly places: Places;
  readonly clock: Clock;
  /** Of the data folder; see `localToken`. */
  readonly token: string;
  /** Whose machine this is: what its token does is written in the history under this name. */
  readonly user: string;
  readonly version: string;
  /** A new deployment's id, short and never given before. */
  newId(): string;
  /** Where the built dashboard is. */
  readonly pageFolder?: string;
  /** Further host names, without port, that lead here. */
  readonly hosts?: readonly string[];
  readonly heartbeatMs?: Ms;
  /** Aborted when the server stops: live streams end. */
  readonly signal: AbortSignal;
  log(error: unknown): void;
}

export interface Server {
  readonly app: Hono;
  readonly auth: Auth;
}

const jsonMaxBytes = 8 * 2 ** 20;
const artifactMaxBytes = 512 * 2 ** 20;

export function createServer(options: ServerOptions): Server {
  const { clock, token, user, hosts = [], heartbeatMs = 15_000 } = options;
  const auth = tokenAuth({ token, clock, person: { name: user, roles: "every" } });
  const app = new Hono();
  app.onError((error, context) => problemAnswer(context, error, options.log));
  app.use(securityHeaders);
  app.use(guard(hosts));
  addSignIn(app, auth);
  addSharedCache(app, { shelves: options.places.shelves, auth, secret: token, now: () => clock.now() });
  const { records, places, signal } = options;
  addBuilds(app, { builds: records.builds, places, auth, secret: token, clock, signal });
  const does = handlers({ ...options, auth, heartbeatMs });
  for (const name of Object.keys(routes) as RouteName[]) {
    const route: Route = routes[name];
    const limit = bodyLimit({
      maxSize: route.takes === "application/octet-stream" ? artifactMaxBytes : jsonMaxBytes,
      onError: tooLarge,
    });
    // Hono answers HEAD with what GET answers, without the body.
    app.on(
      route.method === "head" ? "GET" : route.method.toUpperCase(),
      [`/api/v1${route.path}`, ...(route.alias === undefined ? [] : [route.alias])],
      limit,
      async (context) => {
        const { isOpen = false, forMetrics = false } = route;
        const mayPass = isOpen || (forMetrics && auth.isMetricsToken(context.req.header("authorization")));
        const who = mayPass ? nobody : personOf(context, auth);
        const call = { ...(await parsed(route, context)), who, context };
        const answer = await does[name](call as never);
        return answer instanceof Response ? answer : context.json(answer);
      },
    );
  }
  app.all("/api/*", ({ req }) => {
    throw new Refusal(404, {
      so: `there is no ${req.method} ${req.path}`,
      mend: "GET /api/v1/openapi.json lists what there is",
    });
  });
  if (options.pageFolder !== undefined) app.get("*", page(options.pageFolder));
  return { app, auth };
}

const nobody: Person = { name: "nobody", roles: [] };

function tooLarge(): never {
  throw new Refusal(413, { so: "the request is too large", mend: "Artifacts may have 512 MiB, all else 8 MiB" });
}

/** All that is wrong with a request, at once. */
async function parsed(route: Route, context: Context): Promise<Record<"params" | "query" | "body", unknown>> {
  const given = {
    params: context.req.param(),
    query: context.req.query(),
    body: route.body === undefined ? undefined : await jsonBody(context),
  };
  const errors: { path: string; detail: string }[] = [];
  const take = (part: keyof typeof given): unknown => {
    const schema: z.ZodType | undefined = route[part];
    const result = schema?.safeParse(given[part]);
    for (const issue of result?.error?.issues ?? []) {
      errors.push({ path: [part, ...issue.path].join("."), detail: issue.message });
    }
    return result?.data;
  };
  const call = { params: take("params"), query: take("query"), body: take("body") };
  if (errors.length === 0) return call;
  const [first] = errors;
  throw new Refusal(400, {
    so: `${first?.path}: ${first?.detail}`,
    mend: "GET /api/v1/openapi.json says what is taken",
    errors,
  });
}

async function jsonBody(context: Context): Promise<unknown> {
  const type = context.req.header("content-type") ?? "";
  const text = await context.req.text();
  if (text === "") return {};
  if (!/^application\/json\b/i.test(type)) {
    throw new Refusal(400, {
      so: `the body is ${type || "of no type"}, not JSON`,
      mend: "Send Content-Type: application/json",
    });
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, { so: "the body is not JSON", mend: "Send one JSON object" });
  }
}
