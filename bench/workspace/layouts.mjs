// Well-known layouts, made by their own tools from the registry and not touched afterwards: does Sluice work on them as they are?
//   node bench/workspace/layouts.mjs [--only npm,pnpm,nested,berry,classic,nx,integrated,turbo] [--keep]
// Each: install, graph, init, two builds (the second all cached), an edit, affected, a build of what is affected, a clean tree.
// Where the registry cannot be reached this says so and ends well.
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { project as sluiceProject } from "./tools.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "npm,pnpm,nested,berry,classic,nx,integrated,turbo" },
    keep: { type: "boolean" },
  },
});
const sluice = join(sluiceProject, "dist/sluice.cjs");
const work = mkdtempSync(join(tmpdir(), "sluice-layouts-"));
const env = {
  ...process.env,
  CI: "1",
  NX_DAEMON: "false",
  NX_TUI: "false",
  NEXT_TELEMETRY_DISABLED: "1",
  NO_COLOR: "1",
};

const service = 'require("node:http").createServer((_, r) => r.end("ok")).listen(process.env.PORT);\n';
const build = `node -e "fs.cpSync('src','dist',{recursive:true})"`;
/** ui ← web, api alone; web needs a registry package. */
const small = (link, range) => ({
  ".gitignore": "node_modules\ndist\n.yarn/*\n.pnp.*\n",
  "packages/ui/package.json": { name: "@x/ui", version: "1.0.0", main: "src/index.js", scripts: { build } },
  "packages/ui/src/index.js": "module.exports = 1;\n",
  "apps/web/package.json": {
    name: "web",
    version: "1.0.0",
    scripts: { build, start: "node src/main.js" },
    dependencies: { "@x/ui": link, picocolors: range },
  },
  "apps/web/src/main.js": `require("@x/ui"); require("picocolors");\n${service}`,
  "apps/api/package.json": { name: "api", version: "1.0.0", scripts: { build, start: "node src/main.js" } },
  "apps/api/src/main.js": service,
});
const root = (more) => ({ name: "root", private: true, ...more });
const workspaces = ["packages/*", "apps/*"];
const ofSmall = {
  edges: ["web → @x/ui"],
  edit: "packages/ui/src/index.js",
  affected: ["@x/ui", "web"],
  tasks: ["build"],
  deployed: ["api", "web"],
};

const layouts = {
  npm: {
    ...ofSmall,
    make: (at) => {
      write(at, { ...small("*", "^1.0.0"), "package.json": root({ workspaces }) });
      run("npm", ["install"], at);
    },
  },
  pnpm: {
    ...ofSmall,
    make: (at) => {
      write(at, {
        ...small("workspace:*", "catalog:"),
        "package.json": root({}),
        "pnpm-workspace.yaml": "packages: ['packages/*', 'apps/*']\ncatalog:\n  picocolors: ^1.0.0\n",
      });
      run(tool("pnpm@10", "pnpm"), ["install", "--no-frozen-lockfile"], at);
    },
  },
  /** Projects at any depth, one within another, some left out. */
  nested: {
    ...ofSmall,
    edit: "modules/shared/ui/src/index.js",
    affected: ["@x/ui", "@x/ui-icons", "web"],
    edges: ["web → @x/ui", "@x/ui-icons → @x/ui"],
    make: (at) => {
      const files = small("workspace:^", "^1.0.0");
      const moved = Object.entries(files).map(([path, content]) => [
        path.replace("packages/ui", "modules/shared/ui").replace("apps/", "modules/products/shop/"),
        content,
      ]);
      write(at, {
        ...Object.fromEntries(moved),
        "modules/shared/ui/icons/package.json": {
          name: "@x/ui-icons",
          version: "1.0.0",
          scripts: { build },
          dependencies: { "@x/ui": "workspace:*" },
        },
        "modules/shared/ui/icons/src/index.js": "module.exports = 2;\n",
        "modules/shared/ui/fixtures/broken/package.json": { name: "@x/ui", scripts: { build: "exit 1" } },
        "package.json": root({}),
        "pnpm-workspace.yaml": "packages:\n  - 'modules/**'\n  - '!**/fixtures/**'\n",
      });
      run(tool("pnpm@10", "pnpm"), ["install", "--no-frozen-lockfile"], at);
    },
  },
  berry: {
    ...ofSmall,
    make: (at) => {
      write(at, {
        ...small("workspace:^", "^1.0.0"),
        "package.json": root({ workspaces }),
        ".yarnrc.yml": "enableTelemetry: false\n",
        "yarn.lock": "",
      });
      run(tool("@yarnpkg/cli-dist@4", "yarn"), ["install", "--no-immutable"], at);
    },
  },
  classic: {
    ...ofSmall,
    make: (at) => {
      write(at, { ...small("1.0.0", "^1.0.0"), "package.json": root({ workspaces }) });
      run(tool("yarn@1", "yarn"), ["install"], at);
    },
  },
  nx: {
    edges: ["@starter/app → @starter/ui"],
    edit: "packages/ui/src/lib/ui.ts",
    affected: ["@starter/app", "@starter/ui"],
    tasks: ["build", "typecheck"],
    make: (at) => {
      const preset = ["--preset=ts", "--nxCloud=skip", "--pm=npm", "--no-interactive", "--skipGit"];
      run("npx", ["-y", "create-nx-workspace@latest", "starter", ...preset], dirname(at));
      const library = ["--bundler=tsc", "--unitTestRunner=none", "--linter=none", "--no-interactive"];
      for (const name of ["ui", "app"]) run("npx", ["nx", "g", "@nx/js:lib", `packages/${name}`, ...library], at);
      const app = "import { ui } from '@starter/ui';\nexport function app(): string {\n  return ui();\n}\n";
      write(at, { "packages/app/src/lib/app.ts": app });
      run("npm", ["pkg", "set", "dependencies.@starter/ui=*", "-w", "@starter/app"], at);
      run("npx", ["nx", "sync"], at);
      run("npm", ["install"], at);
    },
    folder: "starter",
  },
  /** Projects are `project.json` alone; what they import is found by the paths of tsconfig.base.json. */
  integrated: {
    edges: ["app → ui"],
    edit: "libs/ui/src/lib/ui.ts",
    affected: ["app", "ui"],
    tasks: ["build"],
    make: (at) => {
      const preset = [
        "--preset=apps",
        "--workspaces=false",
        "--nxCloud=skip",
        "--pm=npm",
        "--no-interactive",
        "--skipGit",
      ];
      run("npx", ["-y", "create-nx-workspace@latest", "starter", ...preset], dirname(at));
      run("npx", ["nx", "add", "@nx/js"], at);
      const library = ["--bundler=tsc", "--unitTestRunner=none", "--linter=none", "--no-interactive"];
      for (const name of ["ui", "app"]) run("npx", ["nx", "g", "@nx/js:lib", `libs/${name}`, ...library], at);
      const app = "import { ui } from '@starter/ui';\nexport function app(): string {\n  return ui();\n}\n";
      write(at, { "libs/app/src/lib/app.ts": app });
      run("npm", ["install"], at);
    },
    folder: "starter",
  },
  turbo: {
    edges: ["web → ui"],
    edit: "packages/ui/Button.tsx",
    affected: ["docs", "ui", "web"],
    tasks: ["lint", "build"],
    make: (at) => {
      // Later ones fetch their template from GitHub; this one has it in its package. Its next and TypeScript are of that time.
      run("npx", ["-y", "create-turbo@1.0.24", "starter", "--use-npm", "--no-install"], dirname(at));
      const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
      const overrides = { "@types/node": "17.0.12", "@types/react": "17.0.37", "@types/react-dom": "17.0.11" };
      write(at, { "package.json": { ...manifest, overrides } });
      run("npm", ["install"], at);
      run("npm", ["run", "build", "--workspaces", "--if-present"], at); // next writes next-env.d.ts the first time
    },
    folder: "starter",
  },
};

const names = values.only.split(",");
const unknown = names.find((name) => !layouts[name]);
if (unknown) throw new Error(`no layout ${unknown}; there are ${Object.keys(layouts).join(", ")}`);
if (spawnSync("npm", ["view", "picocolors", "version"], { stdio: "ignore", timeout: 60_000 }).status !== 0)
  console.log("skipped: the registry cannot be reached");
else {
  try {
    if (!existsSync(sluice)) run("node", ["scripts/build.mjs", "--no-dashboard"], sluiceProject);
    for (const name of names) check(name, layouts[name]);
  } finally {
    if (!values.keep) rmSync(work, { recursive: true, force: true });
  }
}

function check(name, { make, folder = "repository", edges, edit, affected, tasks, deployed = [] }) {
  const at = join(work, name, folder);
  mkdirSync(dirname(at), { recursive: true });
  const faults = [];
  const expect = (what, got, wanted) => {
    if (JSON.stringify(got) !== JSON.stringify(wanted))
      faults.push(`${what}: ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`);
  };
  try {
    make(at);
    if (!existsSync(join(at, ".git"))) execFileSync("git", ["init", "-q"], { cwd: at });
    git(at, "add", "-A");
    git(at, "commit", "-q", "--allow-empty", "-m", "as made");
    const { projects } = ask(at, "graph");
    const found = projects.flatMap((p) => p.dependencies.map((to) => `${p.name} → ${to.name}`));
    for (const edge of edges) if (!found.includes(edge)) faults.push(`graph lacks ${edge}: ${found.join(", ")}`);
    expect("a clean tree affects", ask(at, "affected", "--base", "HEAD").projects, []);
    const first = ask(at, "run", ...tasks);
    for (const { id, outcome } of first.tasks) if (outcome !== "ran") faults.push(`${id} ${outcome}`);
    const second = ask(at, "run", ...tasks);
    expect("the second run", outcomes(second), ["in place"]);
    expect("the tree after", git(at, "status", "--porcelain"), "");
    appendFileSync(join(at, edit), "\n// edited\n");
    expect(
      "affected",
      ask(at, "affected", "--base", "HEAD")
        .projects.map((p) => p.name)
        .sort(),
      affected,
    );
    const third = ask(at, "run", ...tasks, "--affected", "--base", "HEAD");
    expect(
      "a build of what is affected runs",
      ranIn(third, "build"),
      affected.filter((p) => ranIn(first, "build").includes(p)),
    );
    const { services } = ask(at, "init", "--dry-run");
    expect("services", services.map((s) => s.name).sort(), deployed);
  } catch (error) {
    faults.push(
      String(error.stderr || error.stdout || error.message)
        .trim()
        .split("\n")
        .slice(-3)
        .join(" "),
    );
  }
  console.log(`${name.padEnd(8)} ${faults.length === 0 ? "ok" : `WRONG ${faults.join("; ")}`}`);
  if (faults.length > 0) process.exitCode = 1;
}

function outcomes(answer) {
  return [...new Set(answer.tasks.map((task) => task.outcome))];
}

function ranIn(answer, task) {
  const ran = answer.tasks.filter(({ id, outcome }) => outcome === "ran" && id.endsWith(`#${task}`));
  return ran.map(({ id }) => id.slice(0, -task.length - 1)).sort();
}

function ask(at, ...args) {
  const text = execFileSync("node", [sluice, ...args, "--json"], {
    cwd: at,
    env,
    maxBuffer: 1 << 28,
    encoding: "utf8",
  });
  return JSON.parse(text);
}

/** A package manager of its own version, from the registry. */
function tool(spec, bin) {
  const at = join(work, "tools", spec.replace(/\W/g, "_"));
  if (!existsSync(at)) {
    write(at, { "package.json": root({}) });
    run("npm", ["install", "--silent", spec], at);
  }
  return join(at, "node_modules/.bin", bin);
}

function run(command, args, cwd) {
  execFileSync(command, args, {
    cwd,
    env: { ...env, CI: "" },
    stdio: ["ignore", "ignore", "pipe"],
    maxBuffer: 1 << 28,
  });
}

function git(cwd, ...args) {
  const identity = ["-c", "user.name=s", "-c", "user.email=s@example.invalid"];
  return execFileSync("git", [...identity, ...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function write(at, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(at, path)), { recursive: true });
    writeFileSync(join(at, path), typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
  }
}
