// Which variables a task may see, and which of them are part of its key. All else is hidden from it, so that a value
// nobody declared can neither change a result nor be forgotten in the key.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { Project } from "../graph/manifest.ts";
import type { Task } from "./pipeline.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Needed to run at all, without a say in the result: passed, not hashed. */
const basic =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TERM|TERM_PROGRAM|COLORTERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CI|GITHUB_ACTIONS|TMPDIR|TMP|TEMP|XDG_[A-Z_]+|COREPACK_[A-Z_]+|PNPM_HOME|YARN_[A-Z_]*|npm_config_[a-z_]+|SSH_AUTH_SOCK|DISPLAY|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|LD_LIBRARY_PATH|DYLD_[A-Z_]+|DOCKER_[A-Z_]+|SystemRoot|APPDATA|LOCALAPPDATA|USERPROFILE|PATHEXT|ComSpec|TRACEPARENT|TRACESTATE|OTEL_[A-Z_]+)$/;

/** Passed and hashed, though nobody declares them. */
const always = ["NODE_ENV", "NODE_OPTIONS", "TZ", "LANG", "LC_ALL"];

const frameworks: ReadonlyMap<string, string> = new Map([
  ["next", "NEXT_PUBLIC_*"],
  ["vite", "VITE_*"],
  ["vitest", "VITE_*"],
  ["react-scripts", "REACT_APP_*"],
  ["gatsby", "GATSBY_*"],
  ["nuxt", "NUXT_*"],
  ["astro", "PUBLIC_*"],
  ["@sveltejs/kit", "PUBLIC_*"],
  ["@vue/cli-service", "VUE_APP_*"],
  ["expo", "EXPO_PUBLIC_*"],
  ["@redwoodjs/core", "REDWOOD_ENV_*"],
  ["sanity", "SANITY_STUDIO_*"],
]);

/** Patterns that a project's frameworks put into what they build. */
export function inferredEnv(project: Project): readonly string[] {
  return project.dependencies.flatMap((d) => frameworks.get(d.name) ?? []);
}

/** `NAME=digest` of every variable that counts; a name that is unset says so, apart from empty. */
export function hashedEnv(declared: readonly string[], inferred: readonly string[], env: Environment): string {
  const patterns = [...always, ...inferred, ...declared];
  const names = new Set(patterns.filter((p) => !/[*!]/.test(p)));
  const isWanted = pattern(patterns);
  for (const name of Object.keys(env)) if (isWanted(name)) names.add(name);
  return [...names]
    .filter(isWanted)
    .sort()
    .map((name) => `${name}${env[name] === undefined ? " unset" : `=${sha(env[name] ?? "")}`}`)
    .join("\n");
}

export function passedEnv(task: Task, inferred: readonly string[], env: Environment): Record<string, string> {
  const isWanted = pattern([...always, ...inferred, ...task.env, ...task.passThroughEnv]);
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && (task.isLoose || basic.test(name) || isWanted(name))) passed[name] = value;
  return passed;
}

function pattern(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((p) => !/[*!]/.test(p)));
  const wild = patterns.filter((p) => p.includes("*") && !p.startsWith("!")).map(expression);
  const taken = patterns.filter((p) => p.startsWith("!")).map((p) => expression(p.slice(1)));
  return (name) => (exact.has(name) || wild.some((w) => w.test(name))) && !taken.some((t) => t.test(name));
}

function expression(glob: string): RegExp {
  return new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
}

function sha(value: string): string {
  return createHash("sha256").update(value).digest("hex").slice(0, 16);
}

/** What the machine itself puts into a result. */
export function platform(): string {
  const libc = process.platform !== "linux" ? "" : existsSync("/etc/alpine-release") ? "musl" : "glibc";
  return `${process.platform} ${process.arch} ${libc} node ${process.version} abi ${process.versions.modules}`;
}
