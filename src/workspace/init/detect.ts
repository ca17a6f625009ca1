// Looks at a workspace and says what in it is deployed: by its dependencies, its start script, its sources.
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { matcher } from "../glob.ts";
import { readShape, type Shape } from "../graph/layout.ts";
import { parseJsonc, stringAt } from "../jsonc.ts";

export interface Found {
  readonly name: string;
  readonly path: string;
  readonly kind: "http" | "worker" | "static";
  /** Why it is taken for that. */
  readonly because: string;
  readonly build: Readonly<Record<string, string>>;
  readonly start?: string;
  readonly health?: string;
  /** Other services, "postgres" and secrets, by the environment variable that asks for them. */
  readonly env: Readonly<Record<string, { readonly from: string } | { readonly secret: string }>>;
}

interface Package {
  readonly name?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly package: Package;
  readonly sources: string;
  readonly files: readonly string[];
}

const httpFrameworks = [
  "express",
  "fastify",
  "koa",
  "hono",
  "@hono/node-server",
  "@nestjs/core",
  "h3",
  "polka",
  "restify",
];
const queueLibraries = ["bullmq", "bull", "pg-boss", "amqplib", "kafkajs", "agenda", "graphile-worker", "nats"];
const siteBuilders: Readonly<Record<string, string>> = {
  vite: "dist",
  "react-scripts": "build",
  "@angular/cli": "dist",
};

export async function detectServices(root: string): Promise<readonly Found[]> {
  const candidates: Candidate[] = [];
  for (const path of await packageFolders(root)) candidates.push(await look(root, path));
  const whole = candidates.map((candidate) => withLibraries(candidate, candidates));
  const found = whole.flatMap((candidate) => classify(candidate) ?? []);
  const names = found.map(({ name }) => name);
  return found.map((service) => ({
    ...service,
    env: service.kind === "static" ? {} : wants(whole, service, names),
  }));
}

/** Folders of the workspace's packages, as npm, pnpm, yarn, lerna or Nx know them; a repository of one package is its own. */
async function packageFolders(root: string): Promise<readonly string[]> {
  const { globs, isNx } = await shapeOf(root);
  const taken = matcher((globs ?? []).filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1)));
  const patterns = (globs ?? (isNx ? [] : ["."])).filter((glob) => !glob.startsWith("!"));
  const folders: string[] = [];
  for (const pattern of patterns)
    folders.push(...(await expand(root, pattern.replace(/^\.\//, "").replace(/\/$/, ""))));
  const packages = folders.filter((path) => !taken(path) && existsSync(join(root, path, "package.json")));
  const ofNx = isNx ? (await expand(root, "**")).filter((path) => existsSync(join(root, path, "project.json"))) : [];
  return [...new Set([...packages, ...ofNx])].toSorted();
}

/** How the repository says what its packages are. */
export async function shapeOf(root: string): Promise<Shape> {
  if (!existsSync(join(root, "package.json")))
    throw new Problem(`There is no package.json to read in ${root}`, "Run sluice init in the root of a repository");
  return await readShape((path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined));
}

/** "apps/*" and "packages/**": a star is any one folder, two are any depth. */
async function expand(root: string, pattern: string): Promise<readonly string[]> {
  const [before, star] = [pattern.replace(/\/?\*.*$/, ""), /\*+/.exec(pattern)?.[0]];
  if (star === undefined) return [pattern];
  const inside = await readdir(join(root, before), { withFileTypes: true }).catch(() => []);
  const folders = inside.filter(
    (entry) => entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith("."),
  );
  const paths = folders.map((entry) => (before === "" ? entry.name : `${before}/${entry.name}`));
  if (star.length === 1) return paths;
  const deeper = await Promise.all(paths.map((path) => expand(root, `${path}/**`)));
  return [...paths, ...deeper.flat()];
}

async function readPackage(folder: string): Promise<Package> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
}

async function look(root: string, path: string): Promise<Candidate> {
  const folder = join(root, path);
  const files = await sourceFiles(folder);
  const sources = (await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")))).join("\n");
  const own = existsSync(join(folder, "package.json"))
    ? await readPackage(folder)
    : await nxPackage(root, { folder, sources });
  return { name: serviceName(own.name ?? path), path, package: own, files, sources };
}

/** A project of Nx without a manifest of its own: its dependencies are those of the root that it imports. */
async function nxPackage(root: string, { folder, sources }: { folder: string; sources: string }): Promise<Package> {
  const project = parseJsonc(await readFile(join(folder, "project.json"), "utf8"), "project.json");
  const { dependencies, devDependencies } = await readPackage(root);
  const imported = (table: Package["dependencies"]) =>
    Object.fromEntries(Object.entries(table ?? {}).filter(([name]) => new RegExp(`["']${name}["'/]`).test(sources)));
  const builds = /vite/.test(JSON.stringify(project.targets ?? {})) ? { vite: "*" } : {};
  return {
    name: stringAt(project, "name") ?? folder,
    dependencies: imported(dependencies),
    devDependencies: { ...imported(devDependencies), ...builds },
  };
}

/** What a service does often stands in a library of the same workspace: its health route, the variables it reads. */
function withLibraries(candidate: Candidate, all: readonly Candidate[]): Candidate {
  const used = new Set<Candidate>();
  const add = (one: Candidate) => {
    for (const other of all) {
      const isUsed = other.package.name !== undefined && uses(one, other.package.name) && !used.has(other);
      if (isUsed && used.add(other)) add(other);
    }
  };
  add(candidate);
  return { ...candidate, sources: [candidate, ...used].map(({ sources }) => sources).join("\n") };
}

/** "@shop/User_Service" → "user-service". */
function serviceName(name: string): string {
  const plain = name.replace(/^@[^/]+\//, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "") || "app";
}

const sourcesMax = 500;

async function sourceFiles(folder: string, below = ""): Promise<readonly string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !/^(node_modules|dist|build|coverage|test|tests|e2e|\..*)$/.test(entry.name)) {
      files.push(...(await sourceFiles(folder, path)));
    }
    if (entry.isFile() && /\.(ts|tsx|js|mjs|cjs|jsx|html)$/.test(entry.name) && !/\.(test|spec|d)\./.test(entry.name))
      files.push(path);
  }
  return files.slice(0, sourcesMax);
}

function classify(candidate: Candidate): Found | undefined {
  const { name, path } = candidate;
  const builder = Object.keys(siteBuilders).find((library) => uses(candidate, library));
  const framework = httpFrameworks.find((library) => uses(candidate, library));
  const queue = queueLibraries.find((library) => uses(candidate, library));
  const { build, start } = candidate.package.scripts ?? {};
  if (uses(candidate, "expo") || uses(candidate, "next")) return undefined;
  if (builder !== undefined && framework === undefined && candidate.files.includes("index.html")) {
    const output = siteBuilders[builder] ?? "dist";
    return {
      name,
      path,
      kind: "static",
      because: `a site: ${builder} and an index.html`,
      build: { command: "npm run build", output },
      env: {},
    };
  }
  const entry = entryOf(candidate);
  const own = candidate.package.scripts?.start ?? candidate.files.some((file) => /^(src\/)?(main|server)\./.test(file));
  const listens = framework ?? (own && /\bcreateServer\s*\(/.test(candidate.sources) ? "node:http" : undefined);
  if (entry === undefined || (start === undefined && listens === undefined)) return undefined;
  const isNest = uses(candidate, "@nestjs/core");
  const before = isNest && build !== undefined ? { before: "npm run build" } : {};
  const bundled = { ...before, bundle: isNest ? entry.replace(/^src\/(.*)\.ts$/, "dist/$1.js") : entry };
  if (listens === undefined)
    return { name, path, kind: "worker", because: workerBecause(queue), build: bundled, env: {} };
  const health = /["'`](\/(?:api\/)?(?:health|healthz|health\/ready|ready|readyz|up|ping))["'`]/.exec(
    candidate.sources,
  )?.[1];
  return {
    name,
    path,
    kind: "http",
    because: `answers requests: ${listens}`,
    build: bundled,
    env: {},
    ...(health === undefined ? {} : { health }),
  };
}

function workerBecause(queue: string | undefined): string {
  return queue === undefined ? "a start script, and nothing that listens" : `works on a queue: ${queue}`;
}

function uses({ package: own }: Candidate, library: string): boolean {
  return own.dependencies?.[library] !== undefined || own.devDependencies?.[library] !== undefined;
}

/** The file that `npm start` runs, in its TypeScript form, else the usual names. */
function entryOf({ package: own, files }: Candidate): string | undefined {
  const started = /([\w./-]+)\.(?:[cm]?[jt]sx?)\b/.exec(own.scripts?.start ?? "")?.[1]?.replace(/^\.\//, "");
  const stems =
    started === undefined
      ? []
      : [started, started.replace(/^(dist|build|out|lib)\//, "src/"), started.replace(/^(dist|build|out|lib)\//, "")];
  const usual = ["src/main", "src/server", "src/index", "main", "server", "index"];
  const names = [...stems, ...usual].flatMap((stem) => [`${stem}.ts`, `${stem}.mts`, `${stem}.js`, `${stem}.mjs`]);
  return names.find((name) => files.includes(name));
}

/** Environment variables that it reads and that Sluice can give: URLs of others, and secrets. */
function wants(candidates: readonly Candidate[], service: Found, services: readonly string[]): Found["env"] {
  const sources = candidates.find(({ path }) => path === service.path)?.sources ?? "";
  const read = [...sources.matchAll(/process\.env(?:\.|\[["'])([A-Z][A-Z0-9_]*)/g)].map((match) => match[1] ?? "");
  const given = [...new Set(read)].toSorted().flatMap((variable): [string, Found["env"][string]][] => {
    const from = sourceOf(
      variable,
      services.filter((name) => name !== service.name),
    );
    if (from !== undefined) return [[variable, { from }]];
    return /^REDIS_URL$|(SECRET|TOKEN|PASSWORD|PRIVATE|API_KEY|_KEY)$/.test(variable)
      ? [[variable, { secret: variable }]]
      : [];
  });
  return Object.fromEntries(given);
}

/** USERS_URL and USER_SERVICE_URL are the URL of user-service; DATABASE_URL is PostgreSQL's. */
function sourceOf(variable: string, services: readonly string[]): string | undefined {
  if (/^(DATABASE|POSTGRES|PG)_URL$/.test(variable)) return "postgres";
  const stem = /^([A-Z0-9_]+?)_(?:BASE_)?(?:URL|ORIGIN|ENDPOINT)$/.exec(variable)?.[1];
  return stem === undefined ? undefined : services.find((name) => word(name) === word(stem));
}

function word(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .replace(/(service|api|svc)$/, "")
    .replace(/s$/, "");
}
