// What `sluice doctor` looks at: everything that has to be so before a deployment can go well, each with its mend.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { machineCertificates } from "../compose/certificates.ts";
import { Problem } from "../domain/problem.ts";
import { type LoadedConfig, loadConfig } from "../workspace/config-file.ts";
import { type Api, findControlPlane, openApi } from "./api-client.ts";
import { certificateLine } from "./print/health.ts";
import type { Context } from "./verb.ts";

export interface Finding {
  readonly about: string;
  /** `warn`: works, but a person should know. */
  readonly is: "good" | "warn" | "bad";
  readonly so: string;
  readonly mend?: string;
}

export async function examine(context: Context): Promise<readonly Finding[]> {
  const config = await loadConfig(context.cwd).then(
    (loaded) => ({ loaded }),
    (problem: unknown) => ({ problem }),
  );
  const control = await findControlPlane(context).then(
    (address) => ({ api: openApi(address) }),
    (problem: unknown) => ({ problem }),
  );
  const isRunning = "api" in control;
  return [
    node(),
    await git(context),
    configuration(config),
    ...("loaded" in config ? await sources(config.loaded) : []),
    await space(context.data),
    await privacy(context.data),
    ...certificates(context.data),
    ...("api" in control ? await controlPlane(control.api) : [fromProblem("control plane", control.problem, "warn")]),
    ...("loaded" in config && !isRunning ? await ports(config.loaded) : []),
  ];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const about = "Node";
  if (major > 20 || (major === 20 && minor >= 19)) return { about, is: "good", so: process.versions.node };
  return { about, is: "bad", so: `${process.versions.node} is too old`, mend: "Install Node 20.19 or later" };
}

async function git({ cwd }: Context): Promise<Finding> {
  const about = "Git";
  const ask = promisify(execFile);
  try {
    const { stdout } = await ask("git", ["rev-parse", "--short", "HEAD"], { cwd });
    const { stdout: changed } = await ask("git", ["status", "--porcelain", "-uno"], { cwd });
    const commit = stdout.trim();
    if (changed === "") return { about, is: "good", so: `at ${commit}` };
    return {
      about,
      is: "warn",
      so: `at ${commit}, with changes that are not committed`,
      mend: "Releases will be named …+dirty",
    };
  } catch {
    return {
      about,
      is: "warn",
      so: "no commit here",
      mend: "Releases will be named by their content, not by a commit",
    };
  }
}

function configuration(config: { loaded: LoadedConfig } | { problem: unknown }): Finding {
  if ("problem" in config) return fromProblem("configuration", config.problem, "bad");
  const { services, environments } = config.loaded.config;
  const count = Object.keys(services).length;
  const counts = `${count} ${count === 1 ? "service" : "services"}, environments ${Object.keys(environments).join(", ")}`;
  return { about: "configuration", is: "good", so: counts };
}

async function sources({ root, config }: LoadedConfig): Promise<readonly Finding[]> {
  return Object.entries(config.services).flatMap(([name, { path, build }]): readonly Finding[] => {
    const entry = "bundle" in build && build.before === undefined ? join(path, build.bundle) : path;
    if (existsSync(join(root, entry))) return [];
    return [{ about: name, is: "bad", so: `${entry} is not there`, mend: `Mend services.${name} in sluice.config.ts` }];
  });
}

const lowBytes = 2 * 2 ** 30;

async function space(data: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(nearestFolder(data));
  const free = bavail * bsize;
  const so = `${(free / 2 ** 30).toFixed(1)} GiB free for ${data}`;
  if (free > lowBytes) return { about: "disk", is: "good", so };
  return { about: "disk", is: "warn", so, mend: "Make room: artifacts, logs and the database live there" };
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

async function privacy(data: string): Promise<Finding> {
  const about = "token";
  const found = await stat(join(data, "token")).catch(() => undefined);
  if (found === undefined) return { about, is: "good", so: "is made by the first sluice up" };
  if ((found.mode & 0o077) === 0) return { about, is: "good", so: "readable by you only" };
  return {
    about,
    is: "bad",
    so: `${join(data, "token")} is readable by others`,
    mend: `chmod 600 ${join(data, "token")}`,
  };
}

function certificates(data: string): readonly Finding[] {
  const levels = { healthy: "good", degraded: "warn", unhealthy: "bad" } as const;
  return machineCertificates(data).map((certificate): Finding => {
    const is = levels[certificate.status];
    const so = certificateLine(certificate);
    if (is === "good") return { about: "certificate", is, so };
    const isTried = certificate.because !== undefined;
    const mend = isTried
      ? "It is tried again by itself, and at once when the control plane starts"
      : "Put a newer one in its place";
    return { about: "certificate", is, so, mend };
  });
}

async function controlPlane(api: Api): Promise<readonly Finding[]> {
  try {
    const { status, because } = await api.ask("health");
    if (status !== "ready") {
      return [{ about: "control plane", is: "bad", so: because ?? status, mend: "See control.log in the data folder" }];
    }
    await api.ask("session");
    const { environments } = await api.ask("status");
    const held = environments.flatMap(({ open }) => open.filter(({ hold }) => hold !== undefined));
    return [
      { about: "control plane", is: "good", so: `answers at ${api.url}` },
      ...held.map(
        (run): Finding => ({
          about: run.environment,
          is: "warn",
          so: `${run.id} is on hold: ${run.hold?.because}`,
          mend: `sluice promote ${run.id}, or sluice abort ${run.id}`,
        }),
      ),
    ];
  } catch (error) {
    return [fromProblem("control plane", error, "bad")];
  }
}

async function ports({ config }: LoadedConfig): Promise<readonly Finding[]> {
  const wanted = Object.entries(config.environments).filter(([, { port }]) => port > 0);
  const findings = await Promise.all(
    wanted.map(async ([name, { port }]): Promise<readonly Finding[]> => {
      if (await isFree(port)) return [];
      return [
        {
          about: name,
          is: "bad",
          so: `port ${port} is taken by another program`,
          mend: `Stop it, or mend environments.${name}.port`,
        },
      ];
    }),
  );
  return findings.flat();
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once("error", () => answer(false));
    server.listen(port, "127.0.0.1", () => server.close(() => answer(true)));
  });
}

function fromProblem(about: string, problem: unknown, is: Finding["is"]): Finding {
  if (!(problem instanceof Problem)) throw problem;
  return { about, is, so: problem.message, mend: problem.mend };
}
