import { expect, test } from "vitest";
import type { Event } from "../../src/domain/event.ts";
import { type Deployment, emptyJournal, type Journal, withEvents } from "../src/journal.ts";
import { hashOf, placeOf } from "../src/place.ts";
import { environments } from "../src/view/environment.ts";
import { exposures } from "../src/view/exposure.ts";
import { pictureOf } from "../src/view/projects.ts";
import { strip } from "../src/view/strip.ts";
import { verbsFor } from "../src/view/verb.ts";
import { exampleEvents } from "./example.ts";

const now = Date.UTC(2026, 0, 2, 12);
const events = exampleEvents(now);
const journal = withEvents(emptyJournal, events);

test("a stream that is read again from anywhere changes nothing", () => {
  const again = withEvents(withEvents(journal, events.slice(3, 40)), events.slice(-5));
  expect(again).toEqual(journal);
});

test("events that come one by one fold to the same as all at once", () => {
  const single = events.reduce<Journal>((known, event) => withEvents(known, [event]), emptyJournal);
  expect(single).toEqual(journal);
});

test("an environment shows what stands, what moves and what waits", () => {
  expect(environments(journal).map(printed).join("\n")).toMatchInlineSnapshot(`
    "production stands on v2; moves: production-4; waits: production-5; ended: production-3 production-2 production-1
      api-gateway      v2 stable 100 % on 4
      expense-service  v2 stable 50 % on 3 | v4 candidate 50 % on 2
      mailer           v2 stable 0 % on 1
      user-service     v2 stable 100 % on 2
    staging stands on v3; moves: staging-4; waits: ; ended: staging-3 staging-1
      api-gateway      v3 stable 100 % on 4
      expense-service  v3 stable 90 % on 3 | v4 candidate 10 % on 1
      mailer           v2 stable 0 % on 1
      user-service     v2 stable 100 % on 2"
  `);
});

test("a project is drawn to the left of all that it needs, also where needs go in a circle", () => {
  const needs = (...projects: number[]) => projects.map((project) => ({ project, by: "declared" as const }));
  const named = (name: string, ...to: number[]) => ({ name, dir: name, needs: needs(...to) });
  const graph = {
    projects: [named("web", 1, 2), named("ui", 2), named("text"), named("api", 4), named("loop", 3)],
    findings: [],
  };
  const { boxes, arrows } = pictureOf(graph, "");
  expect(boxes).toHaveLength(5);
  expect(arrows.filter(({ from, to }) => from.x >= to.x).map(({ from, to }) => `${from.name} ${to.name}`)).toEqual([
    "loop api",
  ]);
  expect(
    pictureOf(graph, "ui")
      .boxes.map((b) => b.name)
      .sort(),
  ).toEqual(["text", "ui", "web"]);
});

test("a plan is a strip of waves, with the way back under the step at which it turned", () => {
  expect(drawn(deployment("production-3"))).toMatchInlineSnapshot(`
    "Wave 1
      expense-service: ✓ started 1 replica of v3 → ✓ gave v3 10 % of traffic → ✓ watched v3 at 10 % of traffic → ✓ started 1 replica of v3 → ✓ gave v3 50 % of traffic → ✓ watched v3 at 50 % of traffic → ✓ started 1 replica of v3 → ✓ gave v3 all traffic
        back: ✓ gave v2 all traffic (7) ← ✓ stopped v3 (6)
    Wave 2
      api-gateway: ✓ started 1 replica of v3 → ✓ gave v3 1 % of traffic → ✓ ran smoke tests → ✓ sized v3 for 10 % → ✓ gave v3 10 % of traffic → ✓ watched v3 at 10 % of traffic → ✓ started 1 replica of v3 → ✓ gave v3 50 % of traffic → ✗ watch v3 at 50 % of traffic for 60 s → - ask for approval by ops → - start 2 replicas of v3 → - give v3 all traffic
        back: ✓ gave v2 all traffic (8) ← ✓ stopped v3 (7)
    Verify
      everything: - run end-to-end tests → - watch v3 for 60 s
    Let the old side go
      expense-service: - close the preview → - stop v2
      api-gateway: - close the preview → - stop v2"
  `);
});

test("a deployment under way has one current step a service and the rest to come", () => {
  expect(drawn(deployment("production-4"))).toMatchInlineSnapshot(`
    "Wave 1
      expense-service: ✓ started 1 replica of v4 → ✓ gave v4 10 % of traffic → ✓ watched v4 at 10 % of traffic → ✓ started 1 replica of v4 → ✓ gave v4 50 % of traffic → ▶ watching v4 at 50 % of traffic → · start 1 replica of v4 → · give v4 all traffic
    Wave 2
      api-gateway: · start 1 replica of v4 → · give v4 1 % of traffic → · run smoke tests → · size v4 for 10 % → · give v4 10 % of traffic → · watch v4 at 10 % of traffic for 60 s → · start 1 replica of v4 → · give v4 50 % of traffic → · watch v4 at 50 % of traffic for 60 s → · ask for approval by ops → · start 2 replicas of v4 → · give v4 all traffic
    Verify
      everything: · run end-to-end tests → · watch v4 for 60 s
    Let the old side go
      expense-service: · close the preview → · stop v2
      api-gateway: · close the preview → · stop v2"
  `);
});

test("exposure goes up with the canary and down to nothing with the retreat", () => {
  const shares = exposures(deployment("production-3")).map(
    ({ service, points }) => `${service}: ${points.map(({ traffic }) => traffic).join(" ")}`,
  );
  expect(shares).toMatchInlineSnapshot(`
    [
      "api-gateway: 0 1 10 50 0",
      "expense-service: 0 10 50 100 0",
    ]
  `);
});

test.each([
  ["production-4", "promote pause abort"],
  ["production-5", "abort"],
  ["staging-4", "promote retry pause abort"],
  ["production-3", ""],
])("%s offers the verbs that are possible: %s", (id, verbs) => {
  expect(
    verbsFor(deployment(id).run, false)
      .map(({ name }) => name)
      .join(" "),
  ).toBe(verbs);
});

test("only the deployment that its environment stands on offers the rollback", () => {
  const { run } = deployment("production-2");
  expect([true, false].map((stands) => verbsFor(run, stands).map(({ name }) => name))).toEqual([["rollback"], []]);
});

test("an aborted queue entry and a retreat offer nothing that would be refused", () => {
  const retreating = upTo("production-3", (event) => event.fact.kind === "retreat");
  expect(verbsFor(retreating.run, true)).toEqual([]);
});

test.each(["#/", "#/deployments/a%2Fb", "#/history", "#/history?environment=production&outcome=rolled+back"])(
  "the address %s is read and written alike",
  (hash) => expect(hashOf(placeOf(hash))).toBe(hash),
);

function deployment(id: string): Deployment {
  return journal.deployments.get(id)!;
}

function upTo(id: string, last: (event: Event) => boolean): Deployment {
  const own = events.filter((event) => event.deployment === id);
  return withEvents(emptyJournal, own.slice(0, own.findIndex(last) + 1)).deployments.get(id)!;
}

function printed({ name, version, active, queued, ended, services }: ReturnType<typeof environments>[number]): string {
  const lines = services.map(({ name: service, sides }) => {
    const said = sides.map((side) => `${side.name} ${side.role} ${side.traffic} % on ${side.replicas}`);
    return `  ${service.padEnd(16)} ${said.join(" | ")}`;
  });
  const ids = (list: readonly Deployment[]) => list.map(({ run }) => run.id).join(" ");
  return [
    `${name} stands on ${version}; moves: ${active?.run.id}; waits: ${ids(queued)}; ended: ${ids(ended)}`,
    ...lines,
  ].join("\n");
}

const signs = { done: "✓", skipped: "»", now: "▶", failed: "✗", "to come": "·", never: "-" } as const;

function drawn(whole: Deployment): string {
  return strip(whole)
    .flatMap(({ title, lanes }) => [
      title,
      ...lanes.flatMap(({ node, cells, back }) => [
        `  ${node.service ?? "everything"}: ${cells.map(({ state, phrase }) => `${signs[state]} ${phrase}`).join(" → ")}`,
        ...(back.length === 0
          ? []
          : [
              `    back: ${back.map(({ state, phrase, column }) => `${signs[state]} ${phrase} (${column})`).join(" ← ")}`,
            ]),
      ]),
    ])
    .join("\n");
}
