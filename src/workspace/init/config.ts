// The text of a first sluice.config.ts: what was found, with the comments that a reader needs to go on by himself.
import type { Found } from "./detect.ts";

/** For a workspace in which nothing is deployed yet: graph, affected and run need no word more. */
export const configWithoutServices = `// Nothing here starts, listens or builds a site yet. sluice graph, affected and run work as they are; this file is for what
// turbo.json, nx.json and scripts cannot say (docs/workspace.md), and for what is to be deployed (docs/config.md).
import { defineConfig } from "sluice";

export default defineConfig({
  pipeline: {
    // tasks: { test: { services: ["postgres"], retries: 1, timeout: "10m" } },
  },

  // services: { api: { kind: "http", path: "apps/api", build: { bundle: "src/main.ts" } } },
  // environments: { staging: { port: 8080 }, production: { after: "staging", strategy: "canary" } },
});
`;

export function configText(services: readonly Found[]): string {
  const has = (kind: string) =>
    services.some(({ env }) => Object.values(env).some((value) => "from" in value && value.from === kind));
  const backing = has("postgres") ? ["postgres: {}"] : [];
  const secrets = services.some(({ env }) => Object.values(env).some((value) => "secret" in value));
  return `// What is deployed, where to, and how. Every key: docs/config.md of Sluice, or hover it in your editor.
// Check it and see what a deployment would do, without doing it: npx sluice plan local
import { defineConfig } from "sluice";

export default defineConfig({
  services: {
${services.map((service) => serviceText(service, services)).join("\n")}
  },

  // Every bake holds the new version against these; environments may be stricter.
  checks: {
    errorRateMax: "5%",
    latency: { p99: "3s" },
    minimumRequests: 100,
  },

  // A release is built once and goes from one environment to the next.
  environments: {
    local: {
      port: 8080,
      strategy: "rolling",
      bake: "0s", // nobody is there to watch${environmentEnd(backing, secrets, "local")}
    },
    development: {
      port: 8081,
      strategy: "rolling",
      bake: "0s",${environmentEnd(backing, secrets, "development")}
    },
    staging: {
      port: 8082,
      strategy: "blueGreen", // the new side at full size, then one switch
      bake: "0s", // nobody is there to watch: test it with jobs: { preview: ["smoke"] }${environmentEnd(backing, secrets, "staging")}
    },
    production: {
      after: "staging", // only what succeeded there: sluice deploy --from staging --to production
      port: 8083,
      strategy: "canary", // 5, 25, 50, 100 % of traffic, five minutes of watching each
      bake: "10m",
      checks: { errorRateMax: "1%" },
      // approvals: { quorum: 1 }, // people who must say yes first${environmentEnd(backing, secrets, "production")}
    },
  },
});
`;
}

function environmentEnd(backing: readonly string[], secrets: boolean, name: string): string {
  const lines = [
    ...(backing.length > 0 ? [`backing: { ${backing.join(", ")} },`] : []),
    ...(secrets ? [`secrets: { envFile: ".env.${name}" }, // NAME=value lines; keep it out of Git`] : []),
  ];
  return lines.map((line) => `\n      ${line}`).join("");
}

function serviceText(service: Found, all: readonly Found[]): string {
  const others = Object.values(service.env).flatMap((value) =>
    "from" in value && all.some(({ name }) => name === value.from) ? [value.from] : [],
  );
  const dependsOn = [...new Set(others)].map((name) => `"${name}"`).join(", ");
  const env = Object.entries(service.env).map(([name, value]) => `${name}: ${object(value)}`);
  const ingress = ingressOf(service, all);
  const lines = [
    `// ${service.because}`,
    `${key(service.name)}: {`,
    `  kind: "${service.kind}",`,
    `  path: "${service.path}",`,
    `  build: ${object(service.build)},`,
    ...(service.kind === "http" ? healthLines(service) : []),
    ...(service.kind === "static" ? [] : [`  replicas: 2,`]),
    ...(env.length > 0 ? ["  env: {", ...env.map((line) => `    ${line},`), "  },"] : []),
    ...(dependsOn ? [`  dependsOn: [${dependsOn}],`] : []),
    ...(ingress === undefined ? [] : [`  ingress: { path: "${ingress}" },`]),
    "},",
  ];
  return lines.map((line) => `    ${line}`).join("\n");
}

function healthLines({ health }: Found): readonly string[] {
  if (health !== undefined) return [`  health: { path: "${health}" },`];
  return ['  health: { path: "/health" }, // none was found: have it answer 200 once requests can be served'];
}

/** A site takes everything but /api; without a site the first service does. */
function ingressOf(service: Found, all: readonly Found[]): string | undefined {
  if (service.kind === "worker") return undefined;
  const site = all.find(({ kind }) => kind === "static");
  if (service.kind === "static") return service === site ? "/" : `/${service.name}`;
  const doors = all.filter(({ kind }) => kind === "http");
  const door =
    doors.find(({ name }) => /gateway|bff|^api$/.test(name)) ??
    doors.find((other) => isCalledByNobody(other, all)) ??
    doors[0];
  if (service !== door) return undefined;
  return site === undefined ? "/" : "/api";
}

function isCalledByNobody({ name }: Found, all: readonly Found[]): boolean {
  return !all.some(({ env }) => Object.values(env).some((value) => "from" in value && value.from === name));
}

function object(value: Readonly<Record<string, string>>): string {
  return `{ ${Object.entries(value)
    .map(([name, text]) => `${name}: "${text}"`)
    .join(", ")} }`;
}

function key(name: string): string {
  return /^[a-z]\w*$/.test(name) ? name : `"${name}"`;
}
