// The pipeline of sluice.config.ts: matrix, services, retries, timeout, memory, and the trace of a run.
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import { openServices } from "../services/services.ts";
import { type Files, Repository } from "../test-repository.ts";
import { openTrace } from "./trace.ts";

let r: Repository | undefined;
afterEach(() => r?.dispose());

const config = (pipeline: object) => `export default { pipeline: ${JSON.stringify(pipeline)} };\n`;
const repository = (pipeline: object, scripts: Readonly<Record<string, string>>, more: Files = {}) => {
  r = new Repository({
    "package.json": { name: "root", private: true, workspaces: ["a"] },
    ".gitignore": "dist\n",
    "a/package.json": { name: "a", scripts },
    "a/src/x": "1\n",
    "sluice.config.ts": config(pipeline),
    ...more,
  });
  return r;
};

test("a matrix runs a task once for each combination, each with its own variables, outputs and cache", async () => {
  const tasks = {
    test: { matrix: { TZ: ["UTC", "Asia/Tokyo".replace("/", ".")], DB: ["pg"] }, outputs: ["dist/{TZ}/**"] },
    report: { command: "cat dist/*/out", dependsOn: ["test"], cache: false },
  };
  const r = repository({ tasks }, { test: 'mkdir -p "dist/$TZ" && echo "$TZ $DB" > "dist/$TZ/out"' });
  const first = await r.run(["report"]);
  expect(first.ran).toBe("a#report a#test(TZ=Asia.Tokyo,DB=pg) a#test(TZ=UTC,DB=pg)");
  expect(first.logs.get("a#report")).toBe("Asia.Tokyo pg\nUTC pg\n");
  expect((await r.run(["test"])).ran).toBe("");
  r.write({ "sluice.config.ts": config({ tasks: { test: { ...tasks.test, matrix: { TZ: ["UTC"], DB: ["pg"] } } } }) });
  expect((await r.run(["test"])).results.map((one) => one.id)).toEqual(["a#test(TZ=UTC,DB=pg)"]);
});

test("a change of the pipeline affects exactly the tasks that it defines", async () => {
  const r = repository({ tasks: { test: { timeout: "1m" } } }, { test: "true", lint: "true" });
  r.write({ "sluice.config.ts": config({ tasks: { test: { timeout: "1m", env: ["API_URL"] } } }) });
  expect(await r.affected("test", "lint")).toBe("a#test");
});

test("a mistake in the pipeline is told with its place and its mend", async () => {
  const r = repository({ tasks: { test: { retrys: 2 } } }, { test: "true" });
  await expect(r.run(["test"])).rejects.toThrow(/retrys/);
});

test("a task that succeeds on a second try is flaky; what takes too long is killed", async () => {
  const tasks = { test: { retries: 1, cache: false }, build: { timeout: "300ms" } };
  const r = repository({ tasks }, { test: "test -f ../tried || { touch ../tried; exit 1; }", build: "sleep 30" });
  const run = await r.run(["test", "build"], { keepGoing: true });
  expect(run.results.find((one) => one.id === "a#test")).toMatchObject({ outcome: "ran", isFlaky: true });
  expect(run.results.find((one) => one.id === "a#build")).toMatchObject({ note: "killed after 300 ms" });
});

test("a task that failed and then succeeds with the same inputs, in another run, is flaky too", async () => {
  const r = repository({}, { test: "exit $(cat ../code)" }, { ".gitignore": "code\n" });
  r.write({ code: "1" });
  await r.run(["test"]);
  r.write({ code: "0" });
  expect((await r.run(["test"])).results[0]).toMatchObject({ outcome: "ran", isFlaky: true });
});

test("tasks that need more memory together than there is run one after the other", async () => {
  const tasks = { test: { memory: "600MiB", matrix: { N: ["1", "2"] }, cache: false } };
  const script = "echo +$N >> ../order; sleep 0.2; echo -$N >> ../order";
  const r = repository({ tasks }, { test: script });
  await r.run(["test"], { memoryMiB: 1000 });
  expect(r.read("order")).toMatch(/^\+(\d)\n-\1\n\+(\d)\n-\2\n$/);
});

const server = `node -e "require('http').createServer((q,s)=>s.end('hello')).listen(process.env.PORT,'127.0.0.1')"`;

test("a service is started once for the tasks that need it, and ended with the run", async () => {
  const services = { web: { command: server, env: { WEB_URL: "http://127.0.0.1:{PORT}" } } };
  const fetching = `node -e "fetch(process.env.WEB_URL).then(r=>r.text()).then(t=>console.log(t, process.env.WEB_URL))"`;
  const tasks = { test: { services: ["web"] }, e2e: { services: ["web"] } };
  const r = repository({ services, tasks }, { test: fetching, e2e: fetching });
  const opened = openServices((await r.view()).workspace.shape.pipeline?.services ?? {}, r.root, {});
  const { logs } = await r.run(["test", "e2e"], { services: opened });
  await opened.stop();
  expect(logs.get("a#test")).toMatch(/^hello http:/);
  expect(logs.get("a#e2e")).toBe(logs.get("a#test"));
  await expect(fetch(String(logs.get("a#test")?.trim().split(" ")[1]))).rejects.toThrow();
});

test("a service that does not start fails its task with what it said", async () => {
  const services = { db: { command: "echo no licence >&2; exit 1", env: {} } };
  const r = repository({ services, tasks: { test: { services: ["db"] } } }, { test: "true" });
  const opened = openServices((await r.view()).workspace.shape.pipeline?.services ?? {}, r.root, {});
  const run = await r.run(["test"], { services: opened });
  await opened.stop();
  expect(run.outcome("a#test")).toBe("failed");
  expect(run.logs.get("a#test")).toContain("the service db ended: no licence");
});

test("a run is a trace: its parent comes in, each task gets its own, spans go out as OTLP", async () => {
  const got: unknown[] = [];
  const collector = createServer((request, response) => {
    let text = "";
    request
      .on("data", (chunk) => (text += chunk))
      .on("end", () => {
        got.push([request.url, request.headers["x-team"], JSON.parse(text)]);
        response.end("{}");
      });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const address = collector.address();
  const port = typeof address === "object" ? address?.port : 0;
  const env = {
    TRACEPARENT: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_HEADERS: "x-team=us",
  };
  const r = repository({}, { test: "echo $TRACEPARENT" });
  const trace = openTrace(env, Date.now);
  const { logs } = await r.run(["test"], { trace });
  expect(await trace?.send(true)).toBeUndefined();
  collector.close();
  const [path, team, body] = got[0] as [string, string, { resourceSpans: [{ scopeSpans: [{ spans: Span[] }] }] }];
  const [root, task] = body.resourceSpans[0].scopeSpans[0].spans;
  expect([path, team, root?.name, task?.name]).toEqual(["/v1/traces", "us", "sluice run", "a#test"]);
  expect([root?.parentSpanId, task?.parentSpanId]).toEqual(["b".repeat(16), root?.spanId]);
  expect(logs.get("a#test")).toBe(`00-${"a".repeat(32)}-${task?.spanId}-01\n`);
});

type Span = Readonly<{ name: string; spanId: string; parentSpanId?: string }>;
