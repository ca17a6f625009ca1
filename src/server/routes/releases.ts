// Releases, and the artifacts that they name.
import { z } from "zod";
import type { ReleaseRef } from "../../domain/event.ts";
import type { Release } from "../../domain/release.ts";
import type { ReleaseDiff } from "../../domain/release-diff.ts";
import { byVersion, id, name, type Route, sha256, whole } from "./route.ts";

/** Large repositories have thousands of projects. */
const projects = z.object({
  projects: z
    .array(
      z.object({
        name: z.string().max(300),
        dir: z.string().max(1000),
        tags: z.array(z.string().max(200)).optional(),
        needs: z.array(z.object({ project: whole, by: z.enum(["declared", "imported", "configured"]) })),
      }),
    )
    .max(20_000),
  findings: z.array(z.string().max(5000)),
});

/** A frozen release as `sluice` builds it; its id and config are checked again before anything is deployed. */
export const releaseBody = z
  .looseObject({
    id: z.string().regex(/^r-[0-9a-f]{12}$/),
    version: z.string().min(1).max(100),
    commit: z.string().max(100).optional(),
    services: z.record(name, z.looseObject({ artifact: sha256 })),
    config: z.record(z.string(), z.unknown()),
    configHash: sha256,
    projects: projects.optional(),
  })
  .describe("A release: artifacts and configuration under one content hash");

const manifest = z.object({
  artifact: sha256,
  service: name,
  commit: z.string().max(100).optional(),
  inputs: z.string().max(100),
  config: z.string().max(100),
  files: whole,
  bytes: whole,
});
const uploadPath = z.object({ sha256, packed: sha256 });
const byNameOrPlace = byVersion.describe("A release's id or version, or the environment that it stands in");

export const releases = {
  listReleases: {
    method: "get",
    path: "/releases",
    summary: "Releases, newest first",
    query: z.object({ limit: whole.max(200).default(20) }),
    answers: "json",
  },
  keepRelease: { method: "post", path: "/releases", summary: "Record a release", body: releaseBody, answers: "json" },
  getRelease: { method: "get", path: "/releases/:id", summary: "A release", params: z.object({ id }), answers: "json" },
  diff: {
    method: "get",
    path: "/diff",
    summary: "What differs between two releases: code, configuration, migrations, names of values; never values",
    query: z.object({ from: byNameOrPlace, to: byNameOrPlace }),
    answers: "json",
  },
  hasArtifact: {
    method: "head",
    path: "/artifacts/:sha256",
    summary: "200 when the artifact is here, 404 when it is to be sent",
    params: z.object({ sha256 }),
    answers: "nothing",
  },
  uploadState: {
    method: "get",
    path: "/artifacts/:sha256/uploads/:packed",
    summary:
      "How many bytes of a packed artifact (named by its own hash, too) have arrived, and whether all of it is here",
    params: uploadPath,
    answers: "json",
  },
  uploadBytes: {
    method: "put",
    path: "/artifacts/:sha256/uploads/:packed",
    summary: "Send bytes of a packed artifact; after a break, go on from what has arrived",
    params: uploadPath,
    query: z.object({ from: whole.describe("Where these bytes begin; beyond what has arrived they are not taken") }),
    takes: "application/octet-stream",
    answers: "json",
  },
  finishUpload: {
    method: "post",
    path: "/artifacts/:sha256/uploads/:packed",
    summary: "All bytes are sent: hold them against both hashes and keep the artifact",
    params: uploadPath,
    body: manifest,
    answers: "json",
  },
} as const satisfies Record<string, Route>;

export interface ReleasesAnswers {
  listReleases: { readonly releases: readonly (ReleaseRef & { readonly at: number })[] };
  keepRelease: {
    readonly isNew: boolean;
    /** Artifacts to be sent before it can be deployed. */
    readonly lacking: readonly string[];
  };
  getRelease: { readonly release: Release; readonly at: number };
  diff: { readonly diff: ReleaseDiff };
  uploadState: { readonly arrived: number; readonly isHere: boolean };
  uploadBytes: { readonly arrived: number };
  finishUpload: { readonly artifact: string };
}
