// Who asks, and the tokens that are given out.
import { z } from "zod";
import { days, type Route } from "./route.ts";

export const access = {
  openapi: { method: "get", path: "/openapi.json", summary: "This document", answers: "json" },
  session: { method: "get", path: "/session", summary: "Who the caller is", answers: "json" },
  loginCode: {
    method: "post",
    path: "/login-codes",
    summary: "A one-time code with which a browser signs in within minutes",
    answers: "json",
  },
  metricsToken: {
    method: "get",
    path: "/metrics-token",
    summary: "A token that pushes metrics and scrapes these, and does nothing else",
    answers: "json",
  },
  cacheToken: {
    method: "post",
    path: "/cache-tokens",
    summary: "A token for the shared cache at /v8/artifacts, and for nothing else",
    body: z.object({
      untrusted: z
        .string()
        .regex(/^[\w.-]{1,60}$/)
        .refine((text) => !/^\.+$/.test(text))
        .optional()
        .describe("A name of the build: it reads what trusted builds wrote, and writes for itself alone"),
      days,
    }),
    answers: "json",
  },
} as const satisfies Record<string, Route>;

export interface AccessAnswers {
  openapi: object;
  session: { readonly name: string };
  loginCode: { readonly code: string; readonly path: string; readonly expiresInMs: number };
  metricsToken: { readonly token: string };
  cacheToken: { readonly token: string; readonly expiresAt: number };
}
