// Ways back through the API: rollback, drill, restart, retirement, and the return that a watch asks for.
import { expect, test } from "vitest";
import { rehearseDue } from "../compose/rehearse.ts";
import { api, configWith, deployed, ordered, places, planned, release, store, succeed } from "../testing/api.ts";
import { returnAfterWatch } from "./returns.ts";

test("a rollback returns to the release before, at once, and a second one to the release before that", async () => {
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version));
  const back = () => api("/environments/production/rollback", { method: "POST", body: { reason: "slow" } });
  const first = (await back()).body.deployment;
  expect(first).toMatchObject({
    release: { version: "2" },
    intent: { services: { web: { strategy: { kind: "blueGreen" } } } },
  });
  expect(await back()).toMatchObject({ status: 409, body: { detail: `${first.id} is under way in production` } });
  await succeed(first);
  const keyed = { method: "POST", headers: { "idempotency-key": "twice" }, body: { to: "1" } };
  const [once, twice] = [
    await api("/environments/production/rollback", keyed),
    await api("/environments/production/rollback", keyed),
  ];
  expect(twice.body.deployment.id).toBe(once.body.deployment.id);
  await store.journal.append(once.body.deployment.id, 1, { kind: "ended", outcome: "aborted", stands: {} });
  const second = (await back()).body.deployment;
  expect(second.release.version).toBe("1");
  await succeed(second);
  expect(await back()).toMatchObject({
    status: 409,
    body: { detail: "nothing stood in production before what stands there now" },
  });
  const named = await api("/environments/production/rollback", {
    method: "POST",
    body: { to: "3", services: ["web"] },
  });
  expect(named.body.deployment.release.version).toBe("3");
});

test("a rollback skips releases that were themselves taken back, and says from which deployment it leads away", async () => {
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version));
  const first = (await ordered("rollback")).body.deployment;
  expect(first).toMatchObject({ purpose: "rollback", release: { version: "2" } });
  await succeed(first);
  await succeed(await deployed("4"));
  const { targets } = (await api("/environments/production/returns")).body;
  expect(
    targets.map(({ release: { version }, isDefault, isDoubtful }: never) => [version, isDefault, isDoubtful]),
  ).toEqual([
    ["3", false, true],
    ["2", true, false],
    ["1", false, false],
  ]);
});

test("while a deployment is under way, a rollback that names nothing takes that one back", async () => {
  await succeed(await deployed("1"));
  const going = await deployed("2");
  await planned(going);
  const { body } = await ordered("rollback", { reason: "it is on fire" });
  expect(body.deployment).toMatchObject({ id: going.id, phase: { kind: "turning", cause: { kind: "aborted" } } });
});

test("a release that never stood in an environment is not returned to: it would pass by its gates", async () => {
  await succeed(await deployed("1"));
  await api("/releases", { method: "POST", body: release("9") });
  expect(await ordered("rollback", { to: "9" })).toMatchObject({ status: 409 });
});

test("an environment names the versions to which one may return", async () => {
  const config = configWith({ production: { rollback: { versions: ["2*"] } } });
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version, { config }));
  expect(await ordered("rollback", { to: "1" })).toMatchObject({
    status: 409,
    body: { detail: "production does not return to v1: one may only return to 2*" },
  });
  expect((await ordered("rollback", { to: "2" })).status).toBe(200);
});

test("why tells which releases a return could choose, and that it chose the last that stood its bake", async () => {
  for (const version of ["1", "2", "3"]) await succeed(await deployed(version));
  const { deployment } = (await ordered("rollback")).body;
  const why = async () => (await api(`/deployments/${deployment.id}/why`)).body.decisions[0];
  expect(await why()).toMatchObject({
    kind: "requested",
    replay: { result: "same" },
    inputs: expect.arrayContaining([
      "v3 stood in production",
      expect.stringMatching(/^v2 \(.*stood its bake; chosen$/),
    ]),
  });
  await succeed(deployment);
  // What came later has no part in it.
  expect((await why()).inputs).toContain("v3 stood in production");
  const named = (await ordered("rollback", { to: "3" })).body.deployment;
  const { inputs, replay } = (await api(`/deployments/${named.id}/why`)).body.decisions[0];
  expect(inputs.at(-1)).toBe("v3 was named; nobody naming one, it would be v1");
  expect(replay).toEqual({ result: "same" });
});

test("a drill, a restart and an emergency are shown before they are asked for", async () => {
  for (const version of ["1", "2"]) await succeed(await deployed(version));
  const preview = async (body: object) => (await ordered("preview", body)).body;
  expect((await preview({ order: "drill" })).plan).toMatchObject({
    drill: true,
    services: { web: { candidate: "web-1" } },
  });
  expect((await preview({ order: "rollback", all: true })).plan.returns).toMatchObject({
    services: "each",
    withinMs: 300_000,
  });
  const drill = (await ordered("drill")).body.deployment;
  expect(drill).toMatchObject({ purpose: "drill", release: { version: "1" }, intent: { queue: "wait" } });
  expect(await ordered("restart")).toMatchObject({
    status: 409,
    body: { detail: `${drill.id} is under way in production` },
  });
});

test("a service goes only when no configuration has it any more, and a person says so", async () => {
  await succeed(await deployed("1"));
  expect(await ordered("retire", { services: ["web"] })).toMatchObject({
    status: 409,
    body: { detail: "v1, which stands in production, has web" },
  });
  const next = await deployed("2");
  await planned(next);
  await store.journal.append(next.id, 2, {
    kind: "ended",
    outcome: "succeeded",
    stands: { web: "web-2", mailer: "mailer-1" },
  });
  expect((await ordered("retire", { services: ["mailer"] })).body.deployment).toMatchObject({
    purpose: "retire",
    intent: { retire: { mailer: { size: 1 } }, services: {} },
  });
});

test("a watch that found a release bad asks for one return, which a person may have to let in, and which is in nobody's way", async () => {
  await succeed(await deployed("1"));
  const bad = await deployed("2");
  await succeed(bad);
  const desk = { records: store, places };
  const run = (await api(`/deployments/${bad.id}`)).body.deployment;
  expect(await store.environments.standsOn(bad.id)).toBe("here");
  const why = { because: "error share of web: 30 %, for 2 min", asks: true };
  const id = await returnAfterWatch(desk, run, why);
  expect([id, await returnAfterWatch(desk, run, why)]).toEqual([`${bad.id}-back`, `${bad.id}-back`]);
  const back = (await api(`/deployments/${id}`)).body.deployment;
  expect(back).toMatchObject({ by: "sluice", reason: why.because, rollbackOf: bad.id, release: { version: "1" } });
  await planned(back);
  expect(await store.environments.standsOn(bad.id)).toBe("moving");
  const person = (await ordered("rollback", { reason: "at once" })).body.deployment;
  expect(person.intent.admission).toBeUndefined();
  expect((await api(`/deployments/${id}`)).body.deployment.phase).toMatchObject({ kind: "turning" });
});

test("a drill is asked for when its schedule says so, once, and not while something is under way", async () => {
  const config = configWith({ production: { drill: { every: "7d" } } });
  for (const version of ["1", "2"]) await succeed(await deployed(version, { config }));
  const desk = { records: store, places };
  const today = await store.now();
  expect(await rehearseDue(desk, today)).toEqual([]);
  const [id = ""] = await rehearseDue(desk, today + 8 * 86_400_000);
  expect((await api(`/deployments/${id}`)).body.deployment).toMatchObject({ purpose: "drill", by: "sluice" });
  expect(await rehearseDue(desk, today + 8 * 86_400_000)).toEqual([]);
});
