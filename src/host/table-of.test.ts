// What several services say of one public port comes to one listener.
import { expect, test } from "vitest";
import type { DesiredEntry, DesiredService } from "./api.ts";
import { tableOf } from "./table-of.ts";

function desired(seq: number, entry: DesiredEntry, path: string): DesiredService {
  const buffer = { maxMs: 0, maxBytes: 0 };
  return { fence: { journal: "j", seq }, revisions: {}, routes: [], ingress: [{ path }], entry, buffer };
}

function listenersFor(services: Record<string, DesiredService>) {
  const listeners = ["service:production/web", "entry:production"];
  const parts = { version: 1, stickySecret: "s", challenges: "/challenges", logs: "/logs", routes: {} };
  return tableOf({ ...parts, listeners, desired: services }).listeners;
}

const entry = { environment: "production", port: 0 };

test("the latest command says how connections from outside are treated; other services' ports are not touched by it", () => {
  const before = desired(1, { ...entry, options: { trusted: ["10.0.0.0/8"], connectionsPerClientMax: 5 } }, "/");
  const after = desired(2, { ...entry, options: { accessLogPercent: 10 } }, "/api");
  const [outside, inside] = listenersFor({ "production/web": before, "production/api": after });
  expect(outside).toEqual({
    id: "entry:production",
    rules: [
      { path: "/", service: "production/web" },
      { path: "/api", service: "production/api" },
    ],
    accessLog: { file: "/logs/production/access.log", samplePercent: 10 },
  });
  expect(inside).toEqual({ id: "service:production/web", rules: [{ path: "/", service: "production/web" }] });
});

test("a service that nobody reaches from outside has no say", () => {
  const web = desired(1, { ...entry, options: { trusted: ["10.0.0.0/8"] } }, "/");
  const worker = { ...desired(2, entry, "/"), ingress: [] };
  const [outside] = listenersFor({ "production/web": web, "production/mailer": worker });
  expect(outside?.trusted).toEqual(["10.0.0.0/8"]);
});
