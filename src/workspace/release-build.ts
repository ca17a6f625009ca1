// Builds a release: each service once, into an artifact named by its content.
import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { canonical } from "../domain/canonical.ts";
import type { Config, ServiceConfig } from "../domain/config/config.ts";
import { nearest, oneOf } from "../domain/config/nearest.ts";
import { Problem } from "../domain/problem.ts";
import { type BuiltService, makeRelease, type Release } from "../domain/release.ts";
import { bundle, hashOf } from "./artifact/bundle.ts";
import { type Manifest, storeFolder } from "./artifact/store.ts";
import { pinFile, pinImage } from "./image/image.ts";
import { layoutFolder } from "./image/layout.ts";
import { openapiRoutes } from "./openapi.ts";
import { refuseUntrusted } from "./tasks/untrusted-outputs.ts";

export interface BuildOrder {
  readonly root: string;
  readonly config: Config;
  /** Data folder that holds `artifacts/`. */
  readonly data: string;
  /** Builds these only; the others are taken over from `base`. */
  readonly only?: readonly string[];
  readonly base?: Release;
  /** What people call the release; its commit unless given. */
  readonly version?: string;
  readonly onBuilt?: (built: Built) => void;
}

interface Built {
  readonly service: string;
  readonly manifest: Manifest;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export async function buildRelease(order: BuildOrder): Promise<Release> {
  const { root, config, base, only } = order;
  const names = Object.keys(config.services);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw noSuchService(unknown, names);
  const commit = await commitOf(root);
  const services: Record<string, BuiltService> = {};
  for (const name of names) {
    const taken = only === undefined || only.includes(name) ? undefined : base?.services[name];
    services[name] = taken ?? (await buildService(order, name, commit));
  }
  const release = makeRelease({ version: "", ...(commit === undefined ? {} : { commit }), services, config }, sha256);
  return { ...release, version: order.version ?? shortCommit(commit) ?? release.id };
}

function noSuchService(name: string, known: readonly string[]): Problem {
  const meant = nearest(name, known);
  return new Problem(
    `There is no service "${name}"`,
    meant === undefined ? `sluice.config.ts names ${oneOf(known)}` : `Did you mean "${meant}"?`,
  );
}

async function buildService(order: BuildOrder, name: string, commit: string | undefined): Promise<BuiltService> {
  const service = order.config.services[name];
  if (service === undefined) throw new Error(`no service ${name}`);
  const folder = join(order.root, service.path);
  if (!existsSync(folder)) {
    throw new Problem(`${name} should be in ${service.path}, where nothing is`, `Mend services.${name}.path`);
  }
  const scratch = join(order.data, "builds", randomBytes(6).toString("hex"));
  try {
    const { files, inputs } = await madeBy(order.root, { name, service, scratch });
    refuseUntrusted(folder); // after the build: it may have run tasks
    const origin = {
      service: name,
      inputs,
      config: sha256(canonical(service.build)),
      ...(commit === undefined ? {} : { commit }),
    };
    const manifest = await storeFolder(order.data, files, origin);
    const described = await describedBy(order.root, name, service);
    order.onBuilt?.({ service: name, manifest });
    return { artifact: manifest.artifact, ...described };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const pageBytesMax = 65_536;

/** What the router is told of the service: its routes, and what it says while it does not answer. */
async function describedBy(
  root: string,
  name: string,
  service: ServiceConfig,
): Promise<Omit<BuiltService, "artifact">> {
  const { path, openapi, traffic } = service;
  const page = traffic?.maintenancePage;
  const file = page === undefined ? undefined : join(path, page);
  const maintenancePage = file && (await readFile(join(root, file), "utf8").catch(() => undefined));
  if (file !== undefined && (maintenancePage === undefined || maintenancePage.length > pageBytesMax)) {
    const trouble = maintenancePage === undefined ? "is not there" : "is longer than 64 KiB";
    throw new Problem(`${file} ${trouble}`, `Mend services.${name}.traffic.maintenancePage`);
  }
  return {
    ...(openapi === undefined
      ? {}
      : { routeClasses: await openapiRoutes(join(root, path, openapi), join(path, openapi)) }),
    ...(maintenancePage === undefined ? {} : { maintenancePage }),
  };
}

interface Making {
  readonly name: string;
  readonly service: ServiceConfig;
  readonly scratch: string;
}

interface Made {
  /** Folder of the files. */
  readonly files: string;
  readonly inputs: string;
}

function madeBy(root: string, making: Making): Promise<Made> {
  const { build } = making.service;
  if ("bundle" in build) return bundled(root, making, build);
  if ("image" in build) return named(making, build);
  return "layout" in build ? laidOut(root, making, build) : commanded(root, making, build);
}

type Of<K extends string> = Extract<ServiceConfig["build"], Readonly<Record<K, unknown>>>;

async function bundled(root: string, { name, service, scratch }: Making, build: Of<"bundle">): Promise<Made> {
  if (build.before !== undefined) {
    await runBuild({ root, folder: join(root, service.path), name, command: build.before });
  }
  const entries = { ...build.entries, main: build.bundle };
  for (const entry of Object.values(entries)) {
    if (existsSync(join(root, service.path, entry))) continue;
    throw new Problem(
      `${name} should start from ${join(service.path, entry)}, which is not there`,
      `Mend services.${name}.build`,
    );
  }
  const { files, inputs } = await bundle({
    root,
    service: name,
    path: service.path,
    entries,
    external: build.external,
  });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  for (const [file, contents] of Object.entries(files)) {
    await mkdir(dirname(join(scratch, file)), { recursive: true });
    await writeFile(join(scratch, file), contents);
  }
  for (const path of build.include) await include(join(root, service.path, path), join(scratch, path), name);
  return { files: scratch, inputs };
}

async function include(from: string, to: string, service: string): Promise<void> {
  if (!existsSync(from))
    throw new Problem(
      `${service} should include ${from}, which is not there`,
      `Mend services.${service}.build.include`,
    );
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true });
}

async function commanded(root: string, { name, service }: Making, build: Of<"output">): Promise<Made> {
  const folder = join(root, service.path);
  await runBuild({ root, folder, name, command: build.command });
  const files = join(folder, build.output);
  const isFolder = await stat(files).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new Problem(
      `The build of ${name} ended well but left no folder ${join(service.path, build.output)}`,
      `Mend services.${name}.build.output`,
    );
  }
  return { files, inputs: await sourcesHash(folder) };
}

/** What the tag means now: the release keeps it, wherever the tag goes. */
async function named({ scratch }: Making, build: Of<"image">): Promise<Made> {
  const image = await pinImage(build.image);
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  await writeFile(join(scratch, pinFile), `${JSON.stringify({ image })}\n`);
  return { files: scratch, inputs: sha256(image) };
}

async function laidOut(root: string, { name, service, scratch }: Making, build: Of<"layout">): Promise<Made> {
  const folder = join(root, service.path);
  await runBuild({ root, folder, name, command: build.command });
  const files = await layoutFolder(join(folder, build.layout), scratch);
  if (files !== undefined) return { files, inputs: await sourcesHash(folder) };
  throw new Problem(
    `The build of ${name} ended well but left no OCI layout at ${join(service.path, build.layout)}`,
    `Mend services.${name}.build.layout`,
  );
}

async function runBuild({
  root,
  folder,
  name,
  command,
}: {
  root: string;
  folder: string;
  name: string;
  command: string;
}): Promise<void> {
  const path = [join(folder, "node_modules/.bin"), join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path };
  const child = spawn(command, { cwd: folder, env, shell: true, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-16_384);
    });
  }
  const code = await new Promise<number | null>((ended, failed) => child.on("error", failed).on("close", ended));
  if (code === 0) return;
  const last = printed
    .trimEnd()
    .split("\n")
    .slice(-20)
    .map((line) => `  ${line}`);
  throw new Problem(
    [`The build of ${name} failed: "${command}" ended with ${code}:`, ...last].join("\n"),
    "Mend the build, then run the same again",
  );
}

/** Over what Git would commit of the folder; outside Git, unknown. */
async function sourcesHash(folder: string): Promise<string> {
  const listed = await git(folder, ["ls-files", "-z", "-co", "--exclude-standard"]);
  return await hashOf(folder, (listed ?? "").split("\0").filter(Boolean));
}

async function commitOf(root: string): Promise<string | undefined> {
  const commit = (await git(root, ["rev-parse", "HEAD"]))?.trim();
  if (commit === undefined) return undefined;
  const changed = await git(root, ["status", "--porcelain", "-uno", "--", "."]);
  return changed?.trim() === "" ? commit : `${commit}+dirty`;
}

function shortCommit(commit: string | undefined): string | undefined {
  return commit?.replace(/^([0-9a-f]{7})[0-9a-f]*/, "$1");
}

async function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return await promisify(execFile)("git", [...args], { cwd: folder, maxBuffer: 64 * 2 ** 20 }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
