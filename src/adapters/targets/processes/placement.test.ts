// From what is written in sluice.config.ts to what the router does: each key of `traffic` and `entry`, on real sockets.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connect } from "node:tls";
import { afterEach, expect, test, vi } from "vitest";
import { type Config, parseConfig } from "../../../domain/config/config.ts";
import type { Frame } from "../../../domain/frame.ts";
import { intentFor } from "../../../domain/intent.ts";
import { plan } from "../../../domain/plan.ts";
import { type BuiltService, makeRelease, revisionsFor } from "../../../domain/release.ts";
import type { DesiredService, ReplicaSpec } from "../../../host/api.ts";
import { decide } from "../../../host/decide.ts";
import { problemsOf } from "../../../host/desired-check.ts";
import { Router } from "../../../host/router/router.ts";
import { ask, closeAll, listening, onEnd, portOf, raw, replica, says, until } from "../../../host/router/test-bench.ts";
import { tableOf } from "../../../host/table-of.ts";
import { sha256 } from "../../../workspace/release-build.ts";
import { placementOf } from "./placement.ts";
import { desiredService } from "./requests.ts";

afterEach(closeAll);

const logs = mkdtempSync(join(tmpdir(), "sluice-entry-"));
afterEach(() => rmSync(logs, { recursive: true, force: true }));

interface Written {
  readonly service?: object;
  readonly environment?: object;
  readonly built?: Partial<BuiltService>;
}

function configured({ service, environment }: Written): Config {
  const parsed = parseConfig({
    services: { web: { kind: "http", path: "web", build: { bundle: "main.ts" }, ingress: {}, ...service } },
    environments: { production: { strategy: "canary", domain: "shop.test", ...environment } },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** The service as configured, on a router of its own; `stable` and `candidate` are replicas of its two sides. */
async function served(written: Written, sides: { stable?: readonly Handle[]; candidate?: Handle }) {
  const config = configured(written);
  const services = { web: { artifact: "0".repeat(64), ...written.built } };
  const release = makeRelease({ version: "1", services, config }, sha256);
  const { web } = revisionsFor(release, { environment: "production", secretVersions: {}, digest: sha256 });
  if (web === undefined) throw new Error("no service web");
  const environment = config.environments.production;
  const placement = placementOf(web.spec, "production", environment ?? { port: 0 });
  const intent = intentFor({ config, environment: "production", revisions: { web: web.revision }, publicUrl: "" });
  const handles = (sides.candidate ? [sides.candidate] : []).map((handle) => ({ handle, revision: web.revision }));
  for (const handle of sides.stable ?? []) handles.push({ handle, revision: "web-old" });
  const replicas = await Promise.all(
    handles.map(async ({ handle, revision }, i) => {
      const { port } = await replica(handle);
      return { id: `${revision}-${i}`, revision, slot: i, state: "ready", port } as const;
    }),
  );
  const frame = frameOf(intent, sides);
  const specs = new Map([web.revision, "web-old"].map((revision) => [revision, spec]));
  const size = Math.max(1, sides.stable?.length ?? 0);
  const desired = desiredService({ frame, size, fence: { journal: "j", seq: 1 }, specs, placement });
  const problems = problemsOf(desired);
  if (problems.length > 0) throw new Error(problems.join("; "));
  const router = new Router();
  const put = (ready: typeof replicas): void => {
    const routes = { "production/web": decide(desired, ready, undefined).route };
    const all: Record<string, DesiredService> = { "production/web": desired };
    const parts = {
      challenges: "",
      stickySecret: "s3cret",
      logs,
      listeners: ["entry:production"],
      routes,
      desired: all,
    };
    router.put(tableOf({ version: 1, intervalMs: 100, ...parts }));
  };
  put(replicas);
  const server = createNetServer({ pauseOnConnect: true });
  router.serve("entry:production", server);
  await listening(server);
  onEnd(() => router.stop(0));
  return { port: portOf(server), router, put, replicas, candidate: web.revision };
}

const spec: ReplicaSpec = {
  folder: "/",
  command: ["true"],
  env: {},
  readiness: { kind: "tcp", intervalMs: 100, timeoutMs: 100, healthyThreshold: 1, unhealthyThreshold: 1 },
  startWithinMs: 1_000,
  drainTimeoutMs: 1_000,
  graceMs: 1_000,
};

/** Of a canary's plan, that in which the candidate has its first share; whole, when there is one side only. */
function frameOf(intent: ReturnType<typeof intentFor>, sides: { stable?: unknown; candidate?: unknown }): Frame {
  const stands = sides.stable && sides.candidate ? { web: "web-old" } : {};
  const { nodes } = plan(intent, stands as Record<string, string>);
  const sets = nodes.flatMap(({ steps }) => steps).flatMap((step) => (step.kind === "set" ? [step.frame] : []));
  const shared = sets.find(({ revisions }) => Object.values(revisions).some(({ traffic }) => traffic === 5));
  const last = sets.at(-1);
  if (sides.candidate === undefined) return { revisions: { "web-old": { capacity: 100, traffic: 100 } }, routes: [] };
  const frame = sides.stable ? shared : last;
  if (frame === undefined) throw new Error("the plan sets nothing");
  return frame;
}

const bothSides = { stable: [says("old")], candidate: says("new") };

test("candidateWhen and previewHost: header, cookie, query and host lead to the candidate, others by weight", async () => {
  const candidateWhen = [
    { header: "x-tester", value: "yes" },
    { cookie: "beta", value: "1" },
    { query: "version", value: "next" },
  ];
  const service = { traffic: { candidateWhen }, ingress: { previewHost: "next" } };
  const { port } = await served({ service }, bothSides);
  const body = async (asked: Parameters<typeof ask>[1]) => (await ask(port, asked)).body;
  expect(await body({ headers: { "x-tester": "yes" } })).toBe("new");
  expect(await body({ headers: { cookie: "beta=1" } })).toBe("new");
  expect(await body({ path: "/?version=next" })).toBe("new");
  expect(await body({ headers: { host: "next.shop.test" } })).toBe("new");
  const drawn = await Promise.all(Array.from({ length: 100 }, () => body({})));
  expect(drawn.filter((text) => text === "new")).toHaveLength(5);
});

test("previewHost: nobody answers it while there is no candidate", async () => {
  const { port } = await served({ service: { ingress: { previewHost: "next" } } }, { stable: [says("old")] });
  expect((await ask(port, { headers: { host: "next.shop.test" } })).headers["x-sluice-error"]).toBe("no-revision");
});

test("sticky: a session keeps its version", async () => {
  const { port } = await served({ service: { traffic: { sticky: { cookie: "seat", maxAge: "7d" } } } }, bothSides);
  const first = await ask(port);
  const [cookie = ""] = first.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/^seat=\d+\.[\w-]{22}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/);
  const again = await Promise.all(
    Array.from({ length: 30 }, () => ask(port, { headers: { cookie: cookie.split(";")[0] ?? "" } })),
  );
  expect(new Set(again.map(({ body }) => body))).toEqual(new Set([first.body]));
});

test("mirror: the candidate gets copies of reads that it does not answer", async () => {
  let copies = 0;
  const candidate: Handle = (request, response) => {
    if (request.headers["x-sluice-mirror"]) copies++;
    response.end("new");
  };
  const { port } = await served({ service: { traffic: { mirror: "50%" } } }, { stable: [says("old")], candidate });
  for (let i = 0; i < 20; i++) await ask(port);
  await until(() => copies > 0);
  expect(copies).toBeLessThanOrEqual(10);
});

const cuts: Handle = (request) => void request.socket.destroy();

test("ejection: a replica that fails is left out, unless that would be more than the threshold", async () => {
  const failures = async (panicThreshold: number): Promise<number> => {
    const ejection = { failuresInRow: 2, for: "1h", panicThreshold };
    const { port } = await served({ service: { traffic: { ejection } } }, { stable: [says("old"), cuts] });
    const answers = [];
    for (let i = 0; i < 16; i++) answers.push(await ask(port, { method: "POST", body: "x" }));
    return answers.filter(({ status }) => status === 502).length;
  };
  expect(await failures(50)).toBe(2);
  expect(await failures(10)).toBeGreaterThan(2);
});

test("slowStart: a replica that is new gets next to nothing at first", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onEnd(() => void vi.useRealTimers());
  const stable = [says("first"), says("second")];
  const { port, put, replicas } = await served({ service: { traffic: { slowStart: "1h" } } }, { stable });
  put(replicas.slice(0, 1));
  vi.advanceTimersByTime(2 * 3_600_000);
  put(replicas);
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(port)));
  expect(answers.filter(({ body }) => body === "second").length).toBeLessThan(4);
});

test("retries: a share of nothing means once", async () => {
  const asked = async (traffic: object): Promise<number> => {
    let requests = 0;
    const { port } = await served(
      { service: { traffic } },
      {
        stable: [
          (request) => {
            requests++;
            request.socket.destroy();
          },
        ],
      },
    );
    for (let i = 0; i < 20; i++) await ask(port);
    return requests;
  };
  const savedAtFirst = 10;
  expect(await asked({ retries: 0 })).toBe(20 + savedAtFirst);
  expect(await asked({ retries: "50%" })).toBeGreaterThan(20 + savedAtFirst);
});

test("answerWithin, maxBody, maxAnswer: over the limit is 504, 413, 502", async () => {
  const answer: Handle = (request, response) => {
    request.resume();
    if (request.url === "/long") response.end("x".repeat(3_000));
    else if (request.url !== "/slow") response.end("fine");
  };
  const traffic = { answerWithin: "100ms", maxBody: "1KB", maxAnswer: "2KB" };
  const { port } = await served({ service: { traffic } }, { stable: [answer] });
  expect((await ask(port, { path: "/slow" })).headers["x-sluice-error"]).toBe("upstream-timeout");
  expect((await ask(port, { method: "POST", body: "x".repeat(1_025) })).status).toBe(413);
  expect((await ask(port, { method: "POST", body: "x".repeat(1_024) })).body).toBe("fine");
  expect((await ask(port, { path: "/long" })).headers["x-sluice-error"]).toBe("answer-too-long");
});

test("rateLimit and allow, for whom a trusted proxy names", async () => {
  const traffic = { rateLimit: { perSecond: 0.001, burst: 2 }, allow: { "/admin": ["10.0.0.0/8"] } };
  const written = { service: { traffic }, environment: { entry: { trustedProxies: ["127.0.0.1"] } } };
  const { port } = await served(written, { stable: [says("old")] });
  const status = async (client: string, path = "/") =>
    (await ask(port, { path, headers: { "x-forwarded-for": client } })).status;
  expect([await status("10.0.0.1"), await status("10.0.0.1", "/admin"), await status("10.0.0.1")]).toEqual([
    200, 200, 429,
  ]);
  expect([await status("192.0.2.1"), await status("192.0.2.1", "/admin/users")]).toEqual([200, 403]);
});

test("buffer and maintenancePage: who waits too long for a replica gets the service's page", async () => {
  const service = { traffic: { buffer: { within: "50ms", memory: "1MB" } } };
  const { port, put } = await served({ service, built: { maintenancePage: "<p>soon</p>" } }, { stable: [says("old")] });
  put([]);
  const answer = await ask(port);
  expect([answer.status, answer.headers["x-sluice-error"], answer.body]).toEqual([503, "nothing-ready", "<p>soon</p>"]);
});

test("openapi: latencies are counted by the service's own routes", async () => {
  const built = { routeClasses: ["GET /orders/{id}"] };
  const { port, router } = await served({ built }, { stable: [says("old")] });
  await ask(port, { path: "/orders/abc" });
  const classes = () =>
    (router.intervals({ service: "production/web", sinceMs: 0 }) ?? []).flatMap(({ revisions }) =>
      Object.keys(revisions["web-old"]?.classes ?? {}),
    );
  await until(() => classes().length > 0);
  expect(classes()).toEqual(["GET /orders/{id}"]);
});

test("entry: connections of one address, slow heads and the access log", async () => {
  const entry = { connectionsPerClient: 1, slowClients: { head: "100ms" }, accessLog: "100%" };
  const { port } = await served({ environment: { entry } }, { stable: [says("old")] });
  const slow = raw(port, "GET / HTTP/1.1\r\nHos");
  await until(async () => (await ask(port)).headers["x-sluice-error"] === "too-many-connections");
  expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
  const file = join(logs, "production/access.log");
  mkdirSync(dirname(file), { recursive: true });
  await until(async () => (await ask(port)).status === 200);
  await until(() => existsSync(file) && readFileSync(file, "utf8").includes('"status":200'));
});

const hasOpenssl = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.log("one TLS test is skipped: openssl, which makes its certificate, is not installed");
    return false;
  }
})();

test.skipIf(!hasOpenssl)(
  "entry.tls: the public port speaks HTTPS; a file that is not there is refused at the host",
  async () => {
    mkdirSync(logs, { recursive: true });
    const [cert, key] = [join(logs, "shop.crt"), join(logs, "shop.key")];
    const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=shop.test -keyout ${key} -out ${cert}`;
    execFileSync("openssl", args.split(" "), { stdio: "ignore" });
    const { port } = await served({ environment: { entry: { tls: [{ cert, key }] } } }, { stable: [says("old")] });
    const name = await new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", servername: "shop.test", rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on("error", reject);
    });
    expect(name).toBe("shop.test");
    const missing = { environment: { entry: { tls: [{ cert: "/nowhere.crt", key }] } } };
    await expect(served(missing, { stable: [says("old")] })).rejects.toThrow("certificate /nowhere.crt: ENOENT");
  },
);
