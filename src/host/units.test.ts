import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { units } from "./units.ts";

const files = units({
  node: process.execPath,
  program: "/usr/lib/node_modules/sluice/dist/sluice.js",
  user: "root", // one that exists wherever this runs
  servicesUser: "nobody",
  stateFolder: "sluice",
  entryAddress: "0.0.0.0",
});
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("the host's processes are left alone when the watchman ends, and are upgraded on reload", () => {
  const host = files.find(({ path }) => path.endsWith("sluice-host.service"))?.text ?? "";
  expect(host.split("\n").filter((line) => /^(Exec|KillMode|Delegate)/.test(line))).toEqual([
    `ExecStart=${process.execPath} /usr/lib/node_modules/sluice/dist/sluice.js --data /var/lib/sluice host run --entry-address 0.0.0.0 --user nobody`,
    `ExecReload=${process.execPath} /usr/lib/node_modules/sluice/dist/sluice.js --data /var/lib/sluice host upgrade`,
    "KillMode=process",
    "Delegate=cpu memory",
  ]);
});

test.skipIf(!hasSystemd)(
  "systemd finds nothing wrong with the units (skipped where there is no systemd-analyze)",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-units-"));
    for (const { path, text } of files) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const written = files.filter(({ path }) => path.endsWith(".service")).map(({ path }) => join(folder, path));
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...written], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    // It also reads the machine's own units: only what it says of ours counts.
    const ours = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => written.some((file) => line.includes(basename(file))));
    expect(ours).toEqual([]);
  },
);
