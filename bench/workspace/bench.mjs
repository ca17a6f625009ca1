// Sluice beside Turborepo and Nx (with and without its daemon) on generated workspaces, in the same rounds.
//   npm run bench:workspace -- [--sizes 100,500,2000] [--rounds 5] [--peers turbo,nx,nxd]
// The generator and the stop-watch are a tool set of their own (MONOREPO_TOOLS, or ../shared/tools/monorepo beside this
// repository); the peers are installed by name into a temporary directory. Without the tools this says so and ends well.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { monorepoTools, project } from "./tools.mjs";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "100,500,2000" },
    rounds: { type: "string", default: "5" },
    peers: { type: "string", default: "turbo,nx,nxd" },
    only: { type: "string", default: "graph-cold,graph,affected,noop,edit1,restore" },
  },
});
const tools = monorepoTools();

if (!tools) {
  console.log("skipped: the monorepo generator and stop-watch are not here (set MONOREPO_TOOLS to their folder)");
} else {
  const work = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  try {
    run("node", ["scripts/build.mjs", "--no-dashboard"], project);
    const peers = join(work, "peers");
    mkdirSync(peers);
    run("npm", ["init", "-y"], peers, "ignore");
    run("npm", ["install", "--silent", "turbo@2.11.11", "nx@24.0.6", "typescript@5.9.3"], peers);
    for (const size of values.sizes.split(",")) measure(size, peers, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function measure(size, peers, work) {
  const workspace = join(work, `w${size}`);
  run("node", [join(tools, "generate.mjs"), "--out", workspace, "--packages", size, "--tools", peers], work, "ignore");
  const args = [
    "--ws",
    workspace,
    "--tools",
    values.peers,
    "--extra",
    adapter(),
    "--rounds",
    values.rounds,
    "--scenarios",
    values.only,
  ];
  const { status } = spawnSync("node", [join(tools, "bench.mjs"), ...args], { cwd: work, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
  scanOnce(workspace);
}

/** The import scan is no part of the declared graph; timed apart, with nothing remembered. */
function scanOnce(workspace) {
  rmSync(join(workspace, ".sluice"), { recursive: true, force: true });
  const begun = performance.now();
  spawnSync("node", [join(project, "dist/sluice.cjs"), "graph", "--json"], { cwd: workspace, maxBuffer: 1 << 28 });
  console.log(
    `import scan of every source, nothing remembered: ${((performance.now() - begun) / 1000).toFixed(2)} s\n`,
  );
}

/** adapter.json says `sluice`; here that is what was just built. */
function adapter() {
  const text = readFileSync(new URL("adapter.json", import.meta.url), "utf8");
  return text.replaceAll('"sluice ', `"node ${join(project, "dist/sluice.cjs")} `);
}

function run(command, args, cwd, stdio = "inherit") {
  const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", stdio, "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
}
