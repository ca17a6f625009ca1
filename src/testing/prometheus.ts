// A real Prometheus, where one is installed, on a temporary folder and a port of its own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why a suite that needs it is skipped, in one line; undefined when it is there. */
export function whyNoPrometheus(): string | undefined {
  return spawnSync("prometheus", ["--version"]).error === undefined ? undefined : "no program prometheus on the PATH";
}

export interface RealPrometheus {
  readonly url: string;
  /** Waits until it has so many samples of a series. */
  scraped(selector: string, samples: number): Promise<void>;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** Ports of the loopback address that it scrapes, at /metrics. */
  readonly scrapes: readonly number[];
  readonly scrapeEvery: string;
  readonly flags?: readonly string[];
}

export async function startPrometheus({
  scrapes,
  scrapeEvery,
  flags = [],
}: PrometheusOptions): Promise<RealPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-prometheus-"));
  const targets = scrapes.map((port) => `127.0.0.1:${port}`);
  writeFileSync(
    join(folder, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: scrapeEvery, scrape_timeout: scrapeEvery },
      scrape_configs: [{ job_name: "sluice", static_configs: [{ targets }] }],
    }),
  );
  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
      ...flags,
    ],
    { stdio: "ignore" },
  );
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url, child);
  return {
    url,
    scraped: (selector, samples) => untilScraped(`${url}/api/v1/query`, `count_over_time(${selector}[1h])`, samples),
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("prometheus is not ready");
}

async function untilScraped(api: string, query: string, samples: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer: { data?: { result?: { value?: [number, string] }[] } } = await fetch(
      `${api}?${new URLSearchParams({ query })}`,
    ).then((response) => response.json());
    if (Number(answer.data?.result?.[0]?.value?.[1] ?? 0) >= samples) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${query} has not come to ${samples}`);
}

/** Text that is scraped from a port of its own. */
export async function exposing(
  text: () => string | Promise<string>,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(async (_, response) => {
    try {
      response.setHeader("content-type", "text/plain; version=0.0.4").end(await text());
    } catch {
      response.writeHead(503).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function freePort(): Promise<number> {
  const { port, close } = await exposing(() => "");
  await close();
  return port;
}
