// What probes of the config come to in a revision.
import { expect, test } from "vitest";
import { parseConfig } from "./config/config.ts";
import { makeRelease, type RevisionSpec, revisionsFor } from "./release.ts";

function specOf(health: object, kind = "http"): RevisionSpec | undefined {
  const parsed = parseConfig({
    services: { api: { kind, path: "api", build: { bundle: "main.ts" }, health } },
    environments: { local: {} },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const digest = (text: string) => text.length.toString(16).padStart(64, "0");
  const services = { api: { artifact: "a".repeat(64) } };
  const release = makeRelease({ version: "1", services, config: parsed.config }, digest);
  return revisionsFor(release, { environment: "local", secretVersions: {}, digest }).api?.spec;
}

test("readiness is asked by HTTP, TCP or a command; a worker that names none is ready while it runs", () => {
  expect(specOf({})?.readiness).toMatchObject({ kind: "http", path: "/health" });
  expect(specOf({ tcp: true })?.readiness).toMatchObject({ kind: "tcp" });
  expect(specOf({ command: "node health.js" })?.readiness).toMatchObject({
    kind: "command",
    command: ["sh", "-c", "node health.js"],
  });
  expect(specOf({}, "worker")?.readiness.kind).toBe("running");
});

test("startup and liveness stand beside it, each with its own question and patience", () => {
  const spec = specOf({
    startup: { path: "/started", interval: "1s" },
    liveness: { tcp: true, unhealthyThreshold: 10, interval: "10s" },
  });
  expect(spec?.startup).toMatchObject({ kind: "http", path: "/started", intervalMs: 1_000 });
  expect(spec?.liveness).toMatchObject({ kind: "tcp", unhealthyThreshold: 10, intervalMs: 10_000 });
  expect(specOf({})).not.toHaveProperty("liveness");
});
