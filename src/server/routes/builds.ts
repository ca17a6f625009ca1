// Repositories that runners build, their builds, and the token of a runner.
import { z } from "zod";
import type { Build, Repository } from "../../domain/build.ts";
import { days, name, type Route, whole } from "./route.ts";

/** Neither begins with a dash: they become arguments of git and of `sluice run`. */
const label = z.string().regex(/^[A-Za-z0-9][\w:.-]{0,60}$/, "it has letters, digits and the signs _ : . -");
const branch = z.string().regex(/^[A-Za-z0-9*][\w./*-]{0,200}$/, "that is no name of a branch, nor one with *");
const repositoryName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,60}$/, "a name has lower-case letters, digits and dashes");
const repositoryPath = z.object({ repository: repositoryName });
const buildPath = z.object({
  id: z.string().regex(/^b-[0-9a-f]+$/, "that is no build: they are called b-…, `sluice build ls` lists them"),
});

export const builds = {
  runnerToken: {
    method: "post",
    path: "/runner-tokens",
    summary: "A token with which a runner takes builds, and nothing else",
    body: z.object({ name, labels: z.array(label).max(20).default([]), days }),
    answers: "json",
  },
  listRepositories: {
    method: "get",
    path: "/repositories",
    summary: "Repositories that runners build",
    answers: "json",
  },
  putRepository: {
    method: "put",
    path: "/repositories/:repository",
    summary: "Have a repository built on pushes, by a schedule, or when asked",
    params: repositoryPath,
    body: z.object({
      url: z
        .string()
        .min(1)
        .max(500)
        .refine((url) => !/^[a-z+]+:\/\/[^/]*:[^/]*@/i.test(url) && !url.startsWith("-"), {
          message: "no password in the address: make it the secret GIT_TOKEN",
        }),
      tasks: z.array(label).min(1),
      affected: z.boolean().default(true),
      branches: z.array(branch).min(1).default(["main"]),
      trusted: z.array(branch).default(["main"]),
      labels: z.array(label).max(20).default([]),
      schedule: z.string().max(100).optional().describe("Cron expression, UTC"),
    }),
    answers: "json",
  },
  putRepositorySecrets: {
    method: "put",
    path: "/repositories/:repository/secrets",
    summary: "What builds of trusted branches find in their environment; GIT_TOKEN is for the fetch alone",
    params: repositoryPath,
    body: z.object({ values: z.record(name, z.string().max(65_536)) }),
    answers: "json",
  },
  listBuilds: {
    method: "get",
    path: "/builds",
    summary: "Builds by runners, newest first",
    query: z.object({ limit: whole.max(200).default(20) }),
    answers: "json",
  },
  build: {
    method: "post",
    path: "/builds",
    summary: "Have a runner build a repository now",
    body: z.object({
      repository: name,
      ref: z
        .string()
        .regex(/^refs\/[\w./-]{1,200}$/, "that is no name of a ref")
        .optional(),
      tasks: z.array(label).min(1).optional(),
    }),
    answers: "json",
  },
  getBuild: { method: "get", path: "/builds/:id", summary: "A build", params: buildPath, answers: "json" },
  buildLog: {
    method: "get",
    path: "/builds/:id/log",
    summary: "What it has printed; X-Build-State says whether there is more to come",
    params: buildPath,
    query: z.object({ from: whole.default(0).describe("Byte to begin at") }),
    answers: "text",
  },
  cancelBuild: {
    method: "post",
    path: "/builds/:id/cancel",
    summary: "Stop a build",
    params: buildPath,
    answers: "json",
  },
} as const satisfies Record<string, Route>;

export interface BuildsAnswers {
  runnerToken: { readonly token: string; readonly expiresAt: number };
  listRepositories: { readonly repositories: readonly Repository[] };
  /** Where the git server is to send pushes, and the secret to sign them with. */
  putRepository: { readonly hook: string; readonly secret: string };
  putRepositorySecrets: { readonly names: readonly string[] };
  listBuilds: { readonly builds: readonly Build[] };
  build: { readonly build: Build };
  getBuild: { readonly build: Build };
  cancelBuild: { readonly build: Build };
}
